{#- Stops a rebuild of a model that is made from tables of the same run when the selection leaves some of them out. -#}
{% macro refuse_partial_rebuild(folder) %}
    {%- if execute and flags.WHICH in ['run', 'build'] and not is_incremental() -%}
        {%- for name, node in graph.nodes.items() -%}
            {%- if node.resource_type == 'model' and folder in node.fqn and name not in selected_resources -%}
                {{ exceptions.raise_compiler_error(
                    this.identifier ~ " is rebuilt together with what it is made from: run `dbt run --full-refresh -s "
                    ~ 'intermediate.' ~ folder ~ " " ~ this.identifier ~ "`"
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
