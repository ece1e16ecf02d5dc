{#- A name in a JSON pointer as SQL text without its quotes: `~0`, `~1` and `~2` are `~`, `/` and a member that is called `*`. -#}
{% macro unescaped_name(name) %}
    {{ return('*' if name == '~2' else name | replace('~1', '/') | replace('~0', '~') | replace("'", "''")) }}
{% endmacro %}
