{#- waybill: sample -#}
{#- A contradiction: an event that is missing although other fields say that it happened, or null. -#}
{% macro missing_event(column, consequences) -%}
    case
        when {{ column }} is null and num_nonnulls({{ consequences | join(', ') }}) > 0
            then '{{ column }}: is missing, but not what follows from it: ' || concat_ws(
                ', '
                {%- for name in consequences %}, case when {{ name }} is not null then '{{ name }}' end{% endfor %}
            )
    end
{%- endmacro %}
