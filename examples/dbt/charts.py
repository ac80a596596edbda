"""One page of charts from the marts: charts.html, which works offline, and charts.svg."""

import os
from pathlib import Path
from typing import Any

import altair as alt
import duckdb

HERE = Path(__file__).parent
WAREHOUSE = os.environ.get("WAREHOUSE", HERE / "warehouse.duckdb")

BLUE, LIGHT_BLUE, ORANGE, RED, GREY = "#1f5f8b", "#8fb8d4", "#d98032", "#b5483a", "#c9ced3"
SHADES = [BLUE, ORANGE, "#4f9d8f", RED, "#7d6b9e", GREY]
WIDTH, HEIGHT = 430, 230

BOTH_WAYS = alt.Scale(nice=False, padding=8)
"""The scale of counts above and below zero, with room between the longest bar and the frame."""

FROM_ZERO = alt.Scale(nice=False, padding=8, domainMin=0)

RATES = """
    select last_sent_at, campaign_name, 'opened' as what, open_rate as rate
    from marketing.campaign_performance
    union all
    select last_sent_at, campaign_name, 'clicked' as what, click_rate as rate
    from marketing.campaign_performance
    order by last_sent_at, what
"""
LATEST = """
    select campaign_name, last_sent_at, delivered, unique_opens, unique_clicks
    from marketing.campaign_performance
    order by last_sent_at desc
    limit 10
"""
MEMBERS = """
    select list_name, cast(month as timestamp) as month, members
    from marketing.list_growth
    where list_id in (
        select list_id from marketing.list_growth
        group by list_id
        order by max_by(members, month) desc, list_id
        limit 5
    )
    order by list_name, month
"""
CHANGES = """
    select cast(month as timestamp) as month, sum(joins) as joins, -sum(leaves) as leaves
    from marketing.list_growth
    where month > current_date - interval '24 months'
    group by month
    order by month
"""
TIERS = """
    select engagement_tier, count(*) as contacts
    from marketing.contact_engagement
    where status = 'active'
    group by engagement_tier
"""
REASONS = """
    with reasons as (
        select
            opt_out_reason,
            row_number() over (order by sum(unsubscribes) desc, opt_out_reason) as place
        from marketing.unsubscribes
        group by opt_out_reason
    )
    select
        cast(month as timestamp) as month,
        case when place <= 4 then opt_out_reason else 'Other' end as reason,
        sum(unsubscribes) as contacts
    from marketing.unsubscribes
    inner join reasons using (opt_out_reason)
    where month > current_date - interval '24 months'
    group by all
    order by min(place), month
"""


def rows(database: duckdb.DuckDBPyConnection, query: str) -> alt.Data:
    """Return what a query finds, as data of a chart."""
    found = database.execute(query)
    names = [column[0] for column in found.description]
    values = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return alt.Data(values=[{name: _plain(value) for name, value in row.items()} for row in values])


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def titled(title: str, subtitle: str, offset: int = 10) -> dict[str, Any]:
    """Return what all charts of the page have in common, with a title."""
    text = alt.TitleParams(title, subtitle=subtitle, offset=offset)
    return {"title": text, "width": WIDTH, "height": HEIGHT}


def key(name: str, colors: list[str], values: list[str] | None = None) -> alt.Color:
    """Return a color for each value of a column, with a legend above the chart."""
    scale = alt.Scale(range=colors, domain=values) if values else alt.Scale(range=colors)
    return alt.Color(
        f"{name}:N", title=None, scale=scale, sort=None, legend=alt.Legend(orient="top")
    )


def months(name: str) -> alt.X:
    """Return a column of dates along a chart."""
    axis = alt.Axis(format="%b %Y", tickCount=6, labelOverlap=True, grid=False)
    return alt.X(f"{name}:T", title=None, axis=axis)


def rate_chart(data: alt.Data) -> alt.Chart:
    """How many of those whom a campaign reached opened it and clicked in it."""
    return (
        alt.Chart(
            data, **titled("Open and click rates", "Share of the contacts reached, by campaign")
        )
        .mark_line(point=alt.OverlayMarkDef(size=22), strokeJoin="round")
        .encode(
            months("last_sent_at"),
            alt.Y("rate:Q", title=None, axis=alt.Axis(format=".0%", tickCount=5)),
            key("what", [BLUE, ORANGE], ["opened", "clicked"]),
            tooltip=["campaign_name:N", "what:N", alt.Tooltip("rate:Q", format=".1%")],
        )
    )


def latest_chart(data: alt.Data) -> alt.Chart:
    """The people whom the latest campaigns reached, and those of them who reacted."""
    counts = {"delivered": "reached", "unique_opens": "opened", "unique_clicks": "clicked"}
    words = " : ".join(f"datum.key === '{k}' ? '{v}'" for k, v in counts.items())
    return (
        alt.Chart(data, **titled("The latest campaigns", "Contacts reached, and those who reacted"))
        .transform_fold([*counts])
        .transform_calculate(what=f"{words} : ''")
        .mark_bar(height={"band": 0.75})
        .encode(
            alt.X("value:Q", title=None, stack=None, axis=alt.Axis(tickCount=5), scale=FROM_ZERO),
            alt.Y(
                "campaign_name:N",
                title=None,
                sort=alt.Sort(field="last_sent_at", order="descending"),
            ),
            key("what", [GREY, LIGHT_BLUE, BLUE], [*counts.values()]),
            tooltip=["campaign_name:N", "what:N", "value:Q"],
        )
    )


def member_chart(data: alt.Data) -> alt.Chart:
    """How the largest lists grew."""
    return (
        alt.Chart(
            data, **titled("Members of the largest lists", "Contacts at the end of each month")
        )
        .mark_line(strokeJoin="round")
        .encode(
            months("month"),
            alt.Y("members:Q", title=None, axis=alt.Axis(tickCount=5)),
            key("list_name", SHADES),
            tooltip=["list_name:N", alt.Tooltip("month:T", format="%b %Y"), "members:Q"],
        )
    )


def change_chart(data: alt.Data) -> alt.Chart:
    """Who joined lists and who left them."""
    return (
        alt.Chart(
            data,
            **titled("Joining and leaving lists", "Contacts by month, all lists, last 24 months"),
        )
        .transform_fold(["joins", "leaves"], as_=["what", "contacts"])
        .mark_bar(width={"band": 0.8})
        .encode(
            months("month").timeUnit("yearmonth"),
            alt.Y(
                "contacts:Q",
                title=None,
                axis=alt.Axis(tickCount=5, labelExpr="abs(datum.value)"),
                scale=BOTH_WAYS,
            ),
            key("what", [BLUE, RED], ["joins", "leaves"]),
            tooltip=[alt.Tooltip("month:T", format="%b %Y"), "what:N", "contacts:Q"],
        )
    )


def tier_chart(data: alt.Data) -> alt.LayerChart:
    """How many of those whom one may write to still react."""
    tiers = ["engaged", "lapsing", "lapsed", "unresponsive", "new"]
    bars = alt.Chart(data).encode(
        alt.X("contacts:Q", title=None, axis=alt.Axis(tickCount=5), scale=FROM_ZERO),
        alt.Y("engagement_tier:N", title=None, sort=tiers, scale=alt.Scale(domain=tiers)),
    )
    numbers = bars.mark_text(align="left", dx=5, color="#333").encode(text="contacts:Q")
    return alt.layer(bars.mark_bar(height={"band": 0.6}, color=BLUE), numbers).properties(
        **titled(
            "Engagement of the active contacts", "Contacts by their last open or click", offset=36
        )
    )


def reason_chart(data: alt.Data) -> alt.Chart:
    """Why contacts unsubscribed."""
    return (
        alt.Chart(
            data,
            **titled("Unsubscribes by reason", "Contacts by month, all sources, last 24 months"),
        )
        .mark_bar(width={"band": 0.8})
        .encode(
            months("month").timeUnit("yearmonth"),
            alt.Y(
                "contacts:Q", title=None, axis=alt.Axis(tickCount=5, format="d"), scale=FROM_ZERO
            ),
            key("reason", SHADES),
            tooltip=[alt.Tooltip("month:T", format="%b %Y"), "reason:N", "contacts:Q"],
        )
    )


def page(database: duckdb.DuckDBPyConnection) -> alt.VConcatChart:
    """Return all charts, two beside each other."""
    charts = (
        rate_chart(rows(database, RATES)),
        latest_chart(rows(database, LATEST)),
        member_chart(rows(database, MEMBERS)),
        change_chart(rows(database, CHANGES)),
        tier_chart(rows(database, TIERS)),
        reason_chart(rows(database, REASONS)),
    )
    pairs = [alt.hconcat(*charts[i : i + 2], spacing=30) for i in range(0, len(charts), 2)]
    return (
        alt.vconcat(*(pair.resolve_scale(color="independent") for pair in pairs), spacing=35)
        .resolve_scale(color="independent")
        .configure(font="Helvetica, Arial, sans-serif", padding=25, background="white")
        .configure_title(
            anchor="start", fontSize=16, subtitleFontSize=12, subtitleColor="#666", frame="group"
        )
        .configure_axis(
            labelFontSize=11,
            labelColor="#444",
            labelPadding=6,
            gridColor="#eee",
            domain=False,
            ticks=False,
        )
        .configure_axisY(minExtent=80)
        .configure_legend(labelFontSize=12, offset=10)
        .configure_view(stroke=None)
    )


if __name__ == "__main__":
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        charts = page(connection)
    charts.save(HERE / "charts.html", inline=True)
    charts.save(HERE / "charts.svg")
