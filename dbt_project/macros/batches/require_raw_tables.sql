{% macro require_raw_tables() %}
    {%- if execute -%}
        {%- set expected = ['ledger.batches'] -%}
        {%- for node in graph.nodes.values() if node.unique_id in selected_resources -%}
            {%- for source_id in node.depends_on.nodes if source_id in graph.sources -%}
                {%- do expected.append(graph.sources[source_id].schema ~ '.' ~ graph.sources[source_id].identifier) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set missing = run_query(
            "select name from unnest(array['" ~ expected | unique | join("', '") ~ "']) as expected (name) "
            ~ "where to_regclass(name) is null order by name"
        ).columns[0].values() -%}
        {%- if missing -%}
            {{ exceptions.raise_compiler_error(
                "database " ~ target.dbname ~ " has no table " ~ missing | join(', ') ~ ": run `make load` first"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
