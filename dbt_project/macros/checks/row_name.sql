{#-
    The columns that name a row of the tested model, in a failing test: its unique key, its document (batch and position), and
    the tested column. Of a model or source that declares none of them, all columns.
-#}
{% macro row_name(tested_column) -%}
    {%- set tested = graph.nodes.get(model.attached_node) if execute else none -%}
    {%- set columns = [] -%}
    {%- if tested -%}
        {%- set key = tested.config.get('unique_key') or [] -%}
        {%- do columns.extend([key] if key is string else key) -%}
        {%- for name in ['_batch_id', '_position'] if name in tested.columns -%}{%- do columns.append(name) -%}{%- endfor -%}
    {%- endif -%}
    {{ (columns + [tested_column]) | unique | join(', ') if columns else '*' }}
{%- endmacro %}
