{#-
    Stops every way of running models that can record batches as processed without reading them from this warehouse's raw
    tables: `--empty` and `--sample` hide rows, `--defer` reads another environment's tables, `clone` builds views of them.
    `process_new_batches` calls this, too: `clone` runs no on-run-start hook.
-#}
{% macro refuse_row_limits() %}
    {%- if execute -%}
        {%- set refused = [] -%}
        {%- for name in ['empty', 'sample', 'defer'] if invocation_args_dict.get(name) -%}
            {%- do refused.append('--' ~ name) -%}
        {%- endfor -%}
        {%- if flags.WHICH == 'clone' -%}{%- do refused.append('clone') -%}{%- endif -%}
        {%- if refused -%}
            {{ exceptions.raise_compiler_error(
                refused | join(' and ') ~ " would record batches as processed whose rows no model has read: run dbt without "
                ~ "it (also as an environment variable such as DBT_EMPTY); to try models without data, name a new database, "
                ~ "such as PGDATABASE=trial"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
