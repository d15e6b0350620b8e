{#
    The day of the year, from 0, on which somebody is hired who leaves again in the same year.

    At a constant hazard after the minimum days, first and last days of those who leave again lie
    evenly on the triangle of all pairs that fit into the year. So there are the more of them
    the earlier they joined: P(day > d) = (1 - d / window)^2, where `window` has the days on which
    somebody may join and still leave.
#}
{% macro hire_day_of_leaver(uniform, window) -%}
    floor({{ window }} * (1 - sqrt({{ uniform }})))
{%- endmacro %}


{#
    The day of those who stay, such that all hires together are spread evenly over the year as
    far as the leavers' days leave room. With D days, a rate r of leavers and a window W, the share
    of stayers hired before day h is (h / D - r (2 h / W - (h / W)^2)) / (1 - r) within the window
    and (h / D - r) / (1 - r) after it; solved for h, the larger root.
#}
{% macro hire_day_of_stayer(uniform, days, rate, window) -%}
    floor(least(
        {{ days }} - 1,
        case
            when {{ uniform }} * (1 - {{ rate }}) <= {{ window }} / {{ days }} - {{ rate }}
                then
                    2 * {{ uniform }} * (1 - {{ rate }}) / (
                        1 / {{ days }} - 2 * {{ rate }} / {{ window }}
                        + sqrt(
                            (1 / {{ days }} - 2 * {{ rate }} / {{ window }})
                            * (1 / {{ days }} - 2 * {{ rate }} / {{ window }})
                            + 4 * ({{ rate }} / {{ window }} / {{ window }})
                            * {{ uniform }} * (1 - {{ rate }})
                        )
                    )
            else {{ days }} * ({{ rate }} + {{ uniform }} * (1 - {{ rate }}))
        end
    ))
{%- endmacro %}
