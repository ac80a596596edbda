"""Events: what people can register for, and who did."""

from __future__ import annotations

from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import FIRST_NAMES, LAST_NAMES, Row, Seed, write

EVENTS = (
    ("Spring fair", "COMPLETE", 120),
    ("Baking class", "COMPLETE", 12),
    ("Book night", "CANCELLED", 3),
    ("Flower walk", "DELETED", 0),
    ("Summer fair", "COMPLETE", 40),
    ("Tasting", "ACTIVE", 55),
    ("Winter fair", "DRAFT", 0),
)
"""Name, status and number of registrations."""

REGISTRATION_STATUSES = ("REGISTERED", "REGISTERED", "CANCELED", "PENDING")
PAYMENT_STATUSES = ("PAID", "PAID", "REFUNDED", "PENDING")


def events(seed: Seed, first: datetime, organization_name: str) -> dict[str, Row]:
    """Return the events' details by `event_id`, the oldest first."""
    rows = {}
    for number, (name, status, _) in enumerate(EVENTS):
        event_id = seed.key("event", number)
        made = first + timedelta(days=60 * number)
        starts = made + timedelta(days=45)
        row: Row = {
            "event_id": event_id,
            "campaign_id": event_id,
            "name": name,
            "title": f"{name} {starts.year}",
            "description": f"{name}, with coffee.",
            "event_type": "FAIRS_FESTIVALS",
            "event_start": write(starts, 1),
            "event_end": write(starts + timedelta(hours=3), 1),
            "time_zone": "US/Eastern",
            "time_zone_abbreviation": "EST",
            "location_type": "VIRTUAL" if number % 2 else "PHYSICAL",
            "status": status,
            "create_time": write(made),
            "last_update_time": write(made + timedelta(days=1)),
            "currency_type": "USD",
            "event_code": f"EVENT{number}",
            "registration_url": f"https://events.example.com/{event_id[:8]}",
            "display_contact_flag": True,
            "display_end_time_flag": True,
            "display_on_calendar_flag": number != 2,
            "display_time_zone_flag": False,
            "notify_owner_on_reg": True,
            "failed_campaign_activities": [],
            "event_promotions": [
                {
                    "assoc_activity_sub_type": "EMAIL_INVITATION",
                    "campaign_activity_id": seed.key("event invitation", number),
                    "default": True,
                }
            ],
            "event_calendar_url": "https://events.example.com/calendar",
            "event_widget_url": "https://events.example.com/widget.js",
            "contact": {
                "name": "Ada Abbott",
                "organization_name": organization_name,
                "email_address": "events@example.com",
            },
            "event_metadata": {
                "items_enabled": number == 0,
                "paid_event": True,
                "promo_codes_enabled": number == 0,
            },
            "default_track": _track(seed, number, made, starts),
        }
        if status != "DRAFT":
            row["active_time"] = write(made + timedelta(hours=1))
        if status in ("CANCELLED", "DELETED"):
            row[f"{status.lower()}_time"] = write(made + timedelta(days=1))
        if number % 2:
            row["online_meeting"] = {
                "enabled_flag": True,
                "provider_type": "ZOOM",
                "url": "https://meet.example.com/fair",
                "create_time": write(made),
                "last_update_time": write(made),
            }
        else:
            row["address"] = {
                "address_type": "EVENT",
                "location_name": "The old harbor",
                "line1": "1 Harbor Street",
                "city": "Boston",
                "state_code": "MA",
                "postal_code": "02110",
                "country": "United States",
                "country_code": "US",
                "latitude": 42.35,
                "longitude": -71.05,
            }
        rows[event_id] = row
    return rows


def _track(seed: Seed, number: int, made: datetime, starts: datetime) -> Row:
    track: Row = {
        "track_id": f"track{number}",
        "campaign_activity_id": seed.key("event form", number),
        "conf_email_campaign_activity_id": seed.key("event confirmation", number),
        "create_time": write(made),
        "last_update_time": write(made + timedelta(days=1)),
        "overall_ticket_capacity": 200,
        "registration_type": "TICKET",
        "registration_end_time": write(starts, 1),
        "reg_manually_closed_flag": False,
        "restrict_to_single_ticket_flag": False,
        "platform_fee_scope_type": "OWNER",
        "tickets_header": "Tickets",
    }
    if number == 0:
        track |= {
            "items_header": "Items",
            "items": [
                {
                    "item_id": "ITEM1",
                    "name": "T-shirt",
                    "description": "With the fair's name on it.",
                    "display_order": 1,
                    "price": 25.0,
                    "quantity_total": 50,
                    "quantity_sold": 20,
                    "quantity_remaining": 30,
                    "limit_per_order": 2,
                    "paused_flag": False,
                    "attributes": [{"attribute_id": "1", "name": "Size", "quantity_total": 50}],
                    "status_labels": [
                        {"label": "Available", "label_key": "status_label.available"}
                    ],
                }
            ],
            "promo_codes": [
                {
                    "id": "1",
                    "name": "EARLY",
                    "discount_code_type": "PERCENT",
                    "discount_code_scope": "ORDER_TOTAL",
                    "discount_percent": 20,
                    "quantity_used": 4,
                    "start_time": write(made),
                    "end_time": write(starts),
                    "items": [{"item_id": "ITEM1", "name": "T-shirt"}],
                    "tickets": [{"ticket_id": "1", "name": "Adult", "ticket_type": "PAID"}],
                }
            ],
            "media_assets": [
                {
                    "media_type": "BNR",
                    "external_url": "https://shop.example.com/banner.png",
                    "create_time": write(made),
                }
            ],
        }
    return track


def registrations(seed: Seed, number: int, made: datetime, addresses: list[str]) -> list[Row]:
    """Return the registrations for the n-th event, the first to register first.

    Args:
        seed: What the account grows from.
        number: Which event.
        made: When it was made.
        addresses: E-mail addresses of the account's contacts; some of them come.
    """
    rows = []
    for guest in range(EVENTS[number][2]):
        rng = seed.chance("registration", number, guest)
        is_new = guest >= len(addresses)
        tickets = rng.randrange(1, 5)
        choice = rng.randrange(4)
        status = REGISTRATION_STATUSES[choice]
        rows.append(
            {
                "registration_id": seed.key("registration", number, guest),
                "registration_status": status,
                "payment_status": PAYMENT_STATUSES[choice],
                "registration_time": write(made + timedelta(hours=2 + 7 * guest)),
                "email_address": f"guest{guest}@example.com" if is_new else addresses[guest],
                "first_name": rng.choice(FIRST_NAMES),
                "last_name": rng.choice(LAST_NAMES),
                "new_contact": is_new,
                "tickets": tickets,
                "total": 12.5 * tickets,
                "eligible_checkin_tickets": tickets,
                "checkedIn_tickets": tickets if status == "REGISTERED" else 0,
                "checkin_status": "CHECKED_IN" if status == "REGISTERED" else "NOT_CHECKED_IN",
                "track_key": f"key{number}{guest:03}",
            }
        )
    return rows
