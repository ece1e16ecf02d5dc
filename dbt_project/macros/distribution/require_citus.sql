{% macro require_citus() %}
    {%- if execute and env_var('WAYBILL_DBT_DISTRIBUTED', 'false') == 'true'
        and run_query("select to_regproc('create_distributed_table') is null").rows[0][0] -%}
        {{ exceptions.raise_compiler_error(
            "WAYBILL_DISTRIBUTED is set, and the database " ~ target.dbname ~ " has no Citus: run `create extension citus` in it as a "
            ~ "superuser, or unset WAYBILL_DISTRIBUTED"
        ) }}
    {%- endif -%}
{% endmacro %}
