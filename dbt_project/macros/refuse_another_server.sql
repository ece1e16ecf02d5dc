{% macro refuse_another_server() %}
    {%- if execute and env_var('PGHOST', target.host) != target.host -%}
        {{ exceptions.raise_compiler_error(
            "PGHOST is " ~ env_var('PGHOST') ~ " but profiles.yml speaks of " ~ target.host
            ~ ": run `make up`, which writes the profile anew, or unset PGHOST"
        ) }}
    {%- endif -%}
    select 1
{% endmacro %}
