{#- The instant of a local clock time. When clocks go back an hour shows twice: the instant nearest to the expected is meant. -#}
{% macro local_instant(local, zone, expected) -%}
    case
        when ({{ local }} at time zone {{ zone }} - interval '1 hour') at time zone {{ zone }} = {{ local }}
            and {{ expected }} < {{ local }} at time zone {{ zone }} - interval '30 minutes'
            then {{ local }} at time zone {{ zone }} - interval '1 hour'
        else {{ local }} at time zone {{ zone }}
    end
{%- endmacro %}
