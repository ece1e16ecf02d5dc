{#-
    dbt's own macro, which `is_incremental` and the materialisation ask: here, it is true, too, if the model's table is out of date. See
    `rebuild_reason`. A model with `full_refresh: false` is never rebuilt.
-#}
{% macro should_full_refresh() %}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}
        {{ return(configured) }}
    {%- endif -%}
    {{ return(flags.FULL_REFRESH or rebuild_reason(model.unique_id) is not none or is_before_erasure(model.unique_id)) }}
{% endmacro %}
