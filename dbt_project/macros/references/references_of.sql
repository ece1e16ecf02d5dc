{#-
    The references of a mart to dimensions: of each column whose `meta` has `refers_to`, the column, the dimension's table, and its key.
    A reference to a mart without inferred members, or with several key columns, gets no foreign key.
-#}
{% macro references_of(node) %}
    {%- set found = [] -%}
    {%- for column in node['columns'].values() if column.get('config', {}).get('meta', {}).get('refers_to') -%}
        {%- set mart = column['config']['meta']['refers_to'] -%}
        {%- for target in graph.nodes.values()
            if target.resource_type == 'model' and target.alias == mart and 'is_inferred' in target['columns'] -%}
            {%- set key = target.config.get('unique_key') -%}
            {%- set key = key if key is string or not key else key | join(',') -%}
            {%- if key and ',' not in key -%}
                {%- do found.append({
                    'column': column.name, 'type': column.data_type, 'table': target.relation_name, 'mart': target.alias,
                    'key': key, 'key_type': target['columns'].get(key, {}).get('data_type'),
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
