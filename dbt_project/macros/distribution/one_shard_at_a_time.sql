{#-
    A pre-hook of marts, inside the model's transaction: Citus writes to one shard after the other. Otherwise it refuses to change a reference
    table, or to validate a foreign key, after the same transaction has read shards in parallel.
-#}
{% macro one_shard_at_a_time() %}
    {%- if execute and env_var('WAYBILL_DBT_DISTRIBUTED', 'false') == 'true' -%}
    set local citus.multi_shard_modify_mode = 'sequential'
    {%- endif -%}
{% endmacro %}
