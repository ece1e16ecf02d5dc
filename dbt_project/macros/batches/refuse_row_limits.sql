{#-
    Stops `--empty` and `--sample`: models would record batches as processed without reading all of their rows, and hooks
    would delete the rows of marts whose documents the flag hides.
-#}
{% macro refuse_row_limits() %}
    {%- if execute and flags.WHICH in ['run', 'build'] and (flags.EMPTY or invocation_args_dict.get('sample')) -%}
        {{ exceptions.raise_compiler_error(
            "--empty and --sample would record batches as processed whose rows no model has read: run dbt without them; "
            ~ "to try models without data, name a new database, such as PGDATABASE=trial"
        ) }}
    {%- endif -%}
{% endmacro %}
