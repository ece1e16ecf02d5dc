{#-
    How the table of a mart is distributed: `reference`, a copy on each node; the name of the column by whose hash its rows go to the nodes;
    or none. The `.yml` of the mart says it (`meta: {distribute: …}`), and WAYBILL_DISTRIBUTED is the switch.
-#}
{% macro distribution_of(node) %}
    {%- set declared = node.config.meta.get('distribute') if env_var('WAYBILL_DBT_DISTRIBUTED', 'false') == 'true' else none -%}
    {%- set key = node.config.get('unique_key') or [] -%}
    {%- if declared and declared != 'reference' and declared not in ([key] if key is string else key) -%}
        {{ exceptions.raise_compiler_error(
            node.name ~ " is to be distributed by " ~ declared ~ ", which is not in its unique_key: the nodes could not keep the key "
            ~ "unique. Name a column of the key, or `reference`, in `meta: {distribute: …}`"
        ) }}
    {%- endif -%}
    {{ return(declared) }}
{% endmacro %}
