{#- A contradiction: the reason why a value is impossible, or null. -#}
{% macro outside_range(column, lowest, highest) -%}
    case
        when {{ column }} not between {{ lowest }} and {{ highest }}
            then '{{ column }}: ' || {{ column }} || ' is not between {{ lowest }} and {{ highest }}'
    end
{%- endmacro %}
