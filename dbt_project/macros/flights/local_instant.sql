{#- waybill: sample -#}
{#-
    The instant of a local clock time. When clocks go back, one hour occurs twice and PostgreSQL takes the second. This takes
    the first if it is nearer to the expected instant.
-#}
{% macro local_instant(local, zone, last, expected) -%}
    case
        when {{ expected }} < {{ last }} - interval '30 minutes'
            and ({{ last }} - interval '1 hour') at time zone {{ zone }} = {{ local }}
            then {{ last }} - interval '1 hour'
        else {{ last }}
    end
{%- endmacro %}
