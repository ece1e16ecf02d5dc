{#- Stops the rebuild of a model if the selection leaves out a model of the folder that this one is built from. -#}
{% macro refuse_partial_rebuild(folder) %}
    {%- if execute and flags.WHICH in ['run', 'build'] and not is_incremental() -%}
        {%- for name, node in graph.nodes.items() -%}
            {%- if node.resource_type == 'model' and folder in node.fqn and name not in selected_resources -%}
                {{ exceptions.raise_compiler_error(
                    this.identifier ~ " can only be rebuilt together with the models that it reads: run "
                    ~ "`dbt run --full-refresh -s intermediate." ~ folder ~ " " ~ this.identifier ~ "`"
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
