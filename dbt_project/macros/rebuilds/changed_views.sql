{#-
    Why the views that a table was built from give other rows now, in words: the declaration of the source, which the staging views follow,
    or the views themselves. With `names_columns`, a sentence about columns is there already.
-#}
{% macro changed_views(node, before, now, names_columns) %}
    {%- set names, settings = [], [] -%}
    {%- if before and before['views'] is not none -%}
        {%- for name, hash in now['views'].items() if hash not in before['views'] -%}
            {%- do names.append(name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for name in dict(before.reading or {}, **now.reading) if names and name != 'distribute' and (before.reading or {}).get(name) != now.reading.get(name) -%}
        {%- do settings.append(name | replace('_', ' ')) -%}
    {%- endfor -%}
    {%- if settings -%}
        {{ return(['the declaration of ' ~ source_of(node.name) | trim ~ ' has changed (' ~ settings | join(', ') ~ ')']) }}
    {%- endif -%}
    {{ return([names | join(' and ') ~ ' changed'] if names and not names_columns else []) }}
{% endmacro %}
