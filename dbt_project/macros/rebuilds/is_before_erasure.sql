{#-
    Whether the table of an incremental model may hold documents that were erased: it does not process batches (`follows_batches`), and was
    not rebuilt since an erasure from a source that it is built from. Answered once a run, like `rebuild_reason`.
-#}
{% macro is_before_erasure(name) %}
    {%- set node = graph.nodes.get(name) if execute and flags.WHICH in ['run', 'build'] else none -%}
    {%- if not node or node.config.materialized != 'incremental' or follows_batches(node) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if 'is_before_erasure' not in node -%}
        {%- set sources = ["''"] -%}
        {%- for upstream in all_upstream_of(node) if upstream in graph.sources -%}
            {%- do sources.append("'" ~ graph.sources[upstream].name ~ "'") -%}
        {%- endfor -%}
        {%- set found = run_query(
            "select to_regclass(" ~ dbt.string_literal(dbt.escape_single_quotes(node.relation_name)) ~ ") is not null and exists ("
            ~ "select from ledger.erasures inner join intermediate.run_batches on erasures.erasure_id = run_batches.batch_id "
            ~ "where erasures.source in (" ~ sources | join(', ') ~ ") and not exists ("
            ~ "select from intermediate.rebuilt_for as rebuilt "
            ~ "where rebuilt.model = '" ~ node.alias ~ "' and rebuilt.erasure_id = erasures.erasure_id))"
        ).rows[0][0] -%}
        {%- do node.update({'is_before_erasure': found}) -%}
        {%- if found -%}
            {{ print(node.alias ~ ' is rebuilt from all documents, because some that it reads were erased') }}
        {%- endif -%}
    {%- endif -%}
    {{ return(node['is_before_erasure']) }}
{% endmacro %}
