{#-
    What the elements of one level hold that the declaration does not know: members that no path names, and values where the paths
    lead through an object, an array or a map (an empty one, or null, is as good as missing). Each is {is_there, listing}: a cheap
    condition, and a query of the paths.
-#}
{% macro unknown_leaves(levels, path) %}
    {%- set level, found = levels[path], [] -%}
    {%- for pointer, names in level.objects.items() if pointer not in level.collections -%}
        {%- set value, at = leaf_at(level, pointer), (path ~ pointer) | replace("'", "''") -%}
        {%- set rest = "(" ~ value ~ ") - array['" ~ names | unique(case_sensitive=true) | sort(case_sensitive=true) | join("', '") ~ "']" -%}
        {%- set is_leaf = "null" if path ~ pointer in level['values'] else "coalesce(nullif(" ~ value ~ ", '[]') <> 'null', false)" -%}
        {%- do found.append({
            'is_there': "case jsonb_typeof(" ~ value ~ ") when 'object' then " ~ rest ~ " <> '{}' else " ~ is_leaf ~ " end",
            'listing': "select '" ~ at ~ "/' || case member.name when '*' then '~2' else replace(replace(member.name, '~', '~0'), '/', '~1') end as path "
                ~ "from jsonb_object_keys(case when jsonb_typeof(" ~ value ~ ") = 'object' then " ~ rest ~ " end) as member (name) "
                ~ "union all select '" ~ at ~ "' where jsonb_typeof(" ~ value ~ ") <> 'object' and " ~ is_leaf,
        }) -%}
    {%- endfor -%}
    {%- for pointer, below in level.collections.items() -%}
        {%- set value, at = leaf_at(level, pointer), (path ~ pointer) | replace("'", "''") -%}
        {%- set kind, empty = ('object', '[]') if levels[below].kind == 'map' else ('array', '{}') -%}
        {%- set is_leaf = "coalesce(nullif(" ~ value ~ ", '" ~ empty ~ "') <> 'null', false)" -%}
        {%- set is_leaf = "jsonb_typeof(" ~ value ~ ") <> '" ~ kind ~ "' and " ~ is_leaf -%}
        {%- do found.append({'is_there': is_leaf, 'listing': "select '" ~ at ~ "' as path where " ~ is_leaf}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
