{% macro refuse_another_server() %}
    {%- if execute and env_var('PGHOST', '') -%}
        {%- set wanted = env_var('PGHOST') ~ ':' ~ (env_var('PGPORT', '') or 5432) -%}
        {%- set found = target.host ~ ':' ~ target.port -%}
        {%- if wanted != found -%}
            {{ exceptions.raise_compiler_error(
                "PGHOST names " ~ wanted ~ " but profiles.yml speaks of " ~ found
                ~ ": run `make up`, which writes the profile anew, or unset PGHOST"
            ) }}
        {%- endif -%}
    {%- endif -%}
    select 1
{% endmacro %}
