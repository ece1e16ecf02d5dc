{#-
    The columns that `carried` of a source's declaration names, each as {mart, column, form, paths}. `form` says what the column
    holds: `value` a scalar, `json` the whole value (the column is jsonb), `number` or `name` of an element, `members` several
    values in one object whose names are their pointers, `computed` something else, made from the values at the paths.
-#}
{% macro carried_columns(source_name) %}
    {%- set found, types = [], {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- for column in node.columns.values() -%}
            {%- do types.update({node.alias ~ '.' ~ column.name: (column.data_type or '') | lower}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for mart, columns in source_declaration(source_name).get('carried', {}).items() -%}
        {%- for column, carried in columns.items() -%}
            {%- if carried is string -%}
                {%- set form, paths = 'json' if types.get(mart ~ '.' ~ column) == 'jsonb' else 'value', [carried] -%}
            {%- elif 'number_of' in carried -%}
                {%- set form, paths = 'number', [carried['number_of']] -%}
            {%- elif 'name_of' in carried -%}
                {%- set form, paths = 'name', [carried['name_of']] -%}
            {%- elif 'members' in carried -%}
                {%- set form, paths = 'members', carried['members'] -%}
            {%- else -%}
                {%- set form, paths = 'computed', carried['paths'] -%}
            {%- endif -%}
            {%- do found.append({'mart': mart, 'column': column, 'form': form, 'paths': paths}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error(
            "loader/sources/" ~ source_name ~ ".yml does not say which columns hold the documents' values: add `carried`, as "
            ~ "docs/own-data.md shows, and run `waybill sources --write`"
        ) }}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}
