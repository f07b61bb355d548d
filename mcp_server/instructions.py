"""What the server tells an assistant about working with its tools, in the dataset's own words."""

from mcp_server.current import DatasetCard
from mcp_server.tools.base import Facts, Tool, fill

_TEXT = """
You help the owner of a platform with {items} and {users}. Everything about a {user} or one of the {items} comes from
these tools, never from memory: recommend, rank, name and count only what a tool returned, with its ID.

Which tool first:
- Recommend to a {user}: get_top_k_recommendations_tool. If there are conditions, find the {items} first and pass
  their item_set or items to it{by_condition}.
- Popular overall, in a group or among some {items}: get_popular_items_tool. To recommend from those, pass their
  IDs on.{in_group}
- How many {users} would like something: get_like_percentage_tool on the {items}{nearest}.
- Statistics of the platform (which kind engages most, what a typical one is like): compare a few popular {items}
  of each kind, k=3, and read their fields with get_item_metadata_tool.
- What a {user} had before: get_interacted_items_tool.

How to answer:
- No {user} ID where one is needed: ask for it. No number given: k=5.
- Say first what you are going to do, which tools you use and why. Pass sets on as item_set; do not copy long
  lists of IDs.
- Tell what a result's message says: names that were corrected, conditions that nothing meets, fewer {items} than
  asked for (then say that these are all).
- Show titles and labelled values, never raw JSON.
- After recommending, offer an explanation. To explain, call again with reasons=true, read the {items}' fields and
  the {user}'s recent {items}, and compare them. Asked how you got there, list the steps that you took.
"""

_CONDITIONS = {
    "item_filter_tool": "attributes such as names, years, numbers: item_filter_tool",
    "vector_store_search_tool": "story, topic or mood: vector_store_search_tool with k=20 or more",
}


def write_instructions(facts: Facts, tools: dict[str, Tool]) -> str:
    """The instructions for one dataset; tools that it does not have are not mentioned."""
    ways = [way for name, way in _CONDITIONS.items() if name in tools]
    in_group = (
        f" For the group of a {facts.spec.nouns.user}, ask get_user_metadata_tool first."
        if facts.spec.users.groups and "get_user_metadata_tool" in tools
        else ""
    )
    nearest = (
        "; for a text, on the nearest ones of vector_store_search_tool" if "vector_store_search_tool" in tools else ""
    )
    text = (
        _TEXT.strip()
        .replace("{by_condition}", f" ({'; '.join(ways)})" if ways else "")
        .replace("{in_group}", in_group)
        .replace("{nearest}", nearest)
    )
    return f"{_describe(facts)}\n\n{fill(text, facts.spec.nouns)}"


def _describe(facts: Facts) -> str:
    spec, card = facts.spec, facts.card
    described = f"{spec.title}: {spec.description}." if spec.description else f"{spec.title}."
    return f"{described} {_ids(facts, card)}" if card is not None else described


def _ids(facts: Facts, card: DatasetCard) -> str:
    nouns = facts.spec.nouns
    return f"{nouns.users.capitalize()}: {card.user_ids}. {nouns.items.capitalize()}: {card.item_ids}."
