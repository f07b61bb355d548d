"""The users: their sources, fields and groups, proposed."""

from collections.abc import Sequence

from mcp_server.discovery.field_kinds import FieldProposal, LeftOut, propose_field
from mcp_server.discovery.items import id_type_of
from mcp_server.discovery.links import overlap
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.proposal import SourceProposal, UsersProposal
from mcp_server.discovery.questions import Choose
from mcp_server.discovery.roles import Roles, says_of_deed
from mcp_server.discovery.sources import (
    LARGEST_CONFLICT,
    can_query,
    conflicts,
    further_sources,
    most_frequent,
    query_source,
    whole_table,
)
from mcp_server.discovery.tables import Table
from mcp_server.discovery.words import ID_WORDS, PERSONAL_WORDS, USER_WORDS, field_name, has_word, words_of
from mcp_server.reading.session import Session

MOST_GROUP_NAMES = 30

AGE_BANDS = {"kid": [0, 12], "teenager": [13, 19], "young_adult": [20, 30], "adult": [31, 60], "senior": [61, 150]}


def propose_users(roles: Roles, session: Session, choose: Choose) -> UsersProposal:
    """The users of a dataset."""
    table = roles.users or roles.interactions
    key = roles.user_key or roles.user
    columns = _columns(table, key, roles, session)
    fields: list[FieldProposal] = []
    groups: list[str] = []
    left_out: list[LeftOut] = []
    for profile in columns:
        name = field_name(profile.name, [field.name for field in fields], "user")
        found = _field(profile, name, table.columns[key], choose)
        if isinstance(found, LeftOut):
            left_out.append(LeftOut(f"{table.name}: {profile.name}", found.why))
            continue
        fields.append(found)
        if _is_age(found) and not any(field.name == "age_group" for field in fields):
            fields.append(_bands(found))
            groups.append("age_group")
        elif _is_group(found):
            groups.append(name)
    id_type, why = id_type_of(table.columns[key], roles.interactions.columns[roles.user])
    sources = [_source(table, key, fields, roles), *further_sources(table)] if roles.users or fields else []
    sources += _others(roles, session)
    return UsersProposal(key, id_type, why, sources, fields, groups, left_out)


def _columns(table: Table, key: str, roles: Roles, session: Session) -> list[Profile]:
    """Columns that say something of users."""
    others = [profile for name, profile in table.columns.items() if name != key]
    if table is not roles.interactions:
        return others
    others = [each for each in others if not says_of_deed(each) and each.share_numbers < 0.5]
    if not can_query(table, key):
        return []
    others = [each for each in others if each.name not in table.parts]
    if roles.items is roles.interactions:
        of_items = conflicts(session, table, roles.item)
        others = [each for each in others if each.name != roles.item and of_items[each.name] > LARGEST_CONFLICT]
    else:
        others = [each for each in others if each.name != roles.item]
    found = conflicts(session, table, key)
    return [each for each in others if found[each.name] <= LARGEST_CONFLICT / 5 and each.n_distinct > 1]


def _field(profile: Profile, name: str, key: Profile, choose: Choose) -> FieldProposal | LeftOut:
    if has_word(profile.name, PERSONAL_WORDS) or "".join(words_of(profile.name)) in PERSONAL_WORDS:
        return LeftOut(profile.name, "it is personal, and no recommendation needs it")
    tells_who = profile.is_unique or profile.n_distinct > max(0.9 * key.n_distinct, MOST_GROUP_NAMES)
    if tells_who and profile.share_numbers < 0.5:
        return LeftOut(profile.name, "it tells who a user is, and no recommendation needs it")
    if has_word(profile.name, ID_WORDS):
        return LeftOut(profile.name, f"it is an ID or a code{_of_persons(profile)}")
    found = propose_field(profile, name, choose)
    if isinstance(found, LeftOut):
        return found
    if found.kind == "text":
        return LeftOut(profile.name, "it is a text about a user, and no recommendation needs it")
    if found.declared.get("many"):
        declared = {k: v for k, v in found.declared.items() if k not in ("many", "separator", "filter")}
        return FieldProposal(declared | {"kind": "text"}, "several names, and users' fields have one value", profile)
    declared = {k: v for k, v in found.declared.items() if k != "filter"}
    return FieldProposal(declared, found.why, profile, found.missing)


def _of_persons(profile: Profile) -> str:
    """Words on an ID that several rows of users share: they may be the same person."""
    if not has_word(profile.name, USER_WORDS) or not profile.n_known / 5 < profile.n_distinct < 0.98 * profile.n_known:
        return ""
    return f", and tells {profile.n_distinct:,} apart: if these are the users, a query can join it to the interactions"


def _is_age(field: FieldProposal) -> bool:
    return field.kind == "number" and "age" in words_of(field.profile.name) and field.profile.n_distinct > 10


def _bands(age: FieldProposal) -> FieldProposal:
    source = str(age.declared.get("source", age.name))
    declared = {"name": "age_group", "kind": "category", "source": source, "bands": AGE_BANDS}
    return FieldProposal(declared, "groups of ages, for questions such as: popular among teenagers?", age.profile)


def _is_group(field: FieldProposal) -> bool:
    profile = field.profile
    return field.kind == "category" and 2 <= profile.n_distinct <= MOST_GROUP_NAMES and profile.known_share > 0.3


def _source(table: Table, key: str, fields: Sequence[FieldProposal], roles: Roles) -> SourceProposal:
    names = list(dict.fromkeys(field.profile.name for field in fields))
    if table is not roles.interactions:
        return whole_table(table, [key, *names], f"{table.n_rows:,} rows, one for each user")
    chosen = {key: key} | {name: most_frequent(table, name) for name in names}
    quoted_key = table.origin.column(key)
    ending = f"WHERE {quoted_key} IS NOT NULL GROUP BY {quoted_key}"
    return query_source(table, chosen, "what the interactions say of their users", ending=ending)


def _others(roles: Roles, session: Session) -> list[SourceProposal]:
    """A source of the users whom only the interactions know, if there are some and a query can read them."""
    if roles.users is None or roles.user_key is None or not can_query(roles.interactions, roles.user):
        return []
    known, _ = overlap(session, roles.interactions, roles.user, roles.users, roles.user_key)
    if known == 1.0:
        return []
    column = roles.interactions.origin.column(roles.user)
    why = f"{1 - known:.0%} of the users are in the interactions only"
    chosen = {roles.user_key: f"DISTINCT {column}"}
    return [query_source(roles.interactions, chosen, why, ending=f"WHERE {column} IS NOT NULL")]
