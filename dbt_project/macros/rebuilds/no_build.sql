{#- The build of a table that was last built before builds were recorded. -#}
{% macro no_build() %}
    {{ return('00000000-0000-0000-0000-000000000000') }}
{% endmacro %}
