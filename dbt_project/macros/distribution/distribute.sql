{#-
    Distributes a table that was just created and is still empty: a table that is created from a query stays on the coordinator. Tables that
    are distributed by columns of the same type are co-located. One table at a time: two sessions that create the first reference tables
    would make two groups of them.
-#}
{% macro distribute(relation) %}
    {%- set distribution = distribution_of(model) -%}
    {%- if distribution %}
    select pg_advisory_xact_lock(hashtext('waybill: distribute'));
    {%- if distribution == 'reference' %}
    select create_reference_table('{{ relation }}');
    {%- else %}
    select create_distributed_table('{{ relation }}', '{{ distribution }}');
    {%- endif %}
    {%- endif %}
{% endmacro %}
