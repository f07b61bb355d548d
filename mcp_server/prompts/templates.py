"""The questions that people ask of a recommender, as templates for any dataset.

In a template, {braces} hold the dataset's nouns and words, and [brackets] hold what a person fills in.
"""

from dataclasses import dataclass

from mcp_server.dataset.facts import Feature, Text, When
from mcp_server.dataset.moods import SEARCHES


@dataclass(frozen=True)
class Template:
    """One question, with the way to its answer through the tools, so that it works where the server's instructions are
    not read.
    """

    name: str
    title: str
    description: Text
    icon: str
    """Name of its picture (``icons``)."""
    arguments: tuple[str, ...]
    """Keys of the arguments (``library``). A dataset may lack some of them."""
    text: Text
    left_open: tuple[str, Text] | None = None
    """An argument, and the text where it is not filled in."""
    needs: Feature = Feature.NONE


_LOOK_UP = When(Feature.FILTERED_TITLES, "If that is a title, look up its ID by item_filter_tool.")

_RANK = """then get_top_k_recommendations_tool with user=[user], k=[k] and the found IDs as items. Say how popular
each one is."""

_COMPARE = """Read the fields of the recommended {items} by get_item_metadata_tool and the {user}'s history by
get_interacted_items_tool. Compare them one by one: what the model gives as reasons, and what they have in common in
content."""

RECOMMEND = Template(
    "recommend",
    "Recommend {items} to a {user}",
    "The {items} that fit a {user} best, of those that the {user} does not know yet.",
    "star",
    ("user", "k"),
    """Recommend [k] {items} to {user} [user]: call get_top_k_recommendations_tool with user=[user] and k=[k]. Show
    titles and IDs in a table, best first, and offer to explain.""",
)

OTHERS = (
    Template(
        "recommend_together",
        "Recommend {items} to several {users}",
        "{Items} that suit all of several {users}, and that none of them knows yet.",
        "people",
        ("users", "k"),
        """Recommend [k] {items} to the {users} [users] together: call get_top_k_recommendations_tool with these IDs
        as users and k=[k]. Show titles, IDs and fit in a table, say that the fit is that for the one whom each
        suits least, and offer to explain.""",
    ),
    Template(
        "recommend_for_mood",
        "Recommend {items} for a mood",
        "{Items} that do a {user} good in a mood.",
        "heart",
        ("user", "mood", "k"),
        f"""{{User}} [user] feels like this today: [mood]. Recommend [k] {{items}}. Turn the mood into words for what
        would do good, not the mood itself ({SEARCHES}), search them by vector_store_search_tool with k=30, and rank
        what it finds for the {{user}}: get_top_k_recommendations_tool with user=[user], k=[k] and its item_set. Say
        which words you searched and why.""",
        needs=Feature.MOODS,
    ),
    Template(
        "recommend_by_{text_argument}",
        "Recommend {items} by {text}",
        "The best {items} for a {user} among those whose {text} is about something that you describe.",
        "story",
        ("user", "text", "k"),
        """Recommend [k] {items} to {user} [user] that match this: "[{text_argument}]". Search it by
        vector_store_search_tool with k=20, then call get_top_k_recommendations_tool with user=[user], k=[k] and its
        item_set.""",
        needs=Feature.SEARCH_TEXTS,
    ),
    Template(
        "similar_items",
        "{Items} like a given one",
        "{Items} that are most like one of the {items} in what they are about.",
        "similar",
        ("item", "anyone", "k"),
        (
            'Recommend [k] {items} like "[item]" to {user} [user]. ',
            _LOOK_UP,
            """ Then call vector_store_search_tool with similar_to and k=30, and get_top_k_recommendations_tool with
            user=[user], k=[k] and its item_set. Say what they have in common with it.""",
        ),
        left_open=(
            "user",
            (
                'Which [k] {items} are most like "[item]"? ',
                _LOOK_UP,
                """ Then call vector_store_search_tool with similar_to and k=[k], read the fields of all by
                get_item_metadata_tool, and say what they have in common with it.""",
            ),
        ),
        needs=Feature.SEARCH_TEXTS,
    ),
    Template(
        "audience_for_{text_argument}",
        "Audience for an idea",
        "What share of all {users} would be interested in one of the {items} that may not exist yet, by its {text}.",
        "people",
        ("idea",),
        """What share of our {users} would be interested in this: "[{text_argument}]"? Search it by
        vector_store_search_tool with k=10, drop results that do not fit, and pass the IDs of the others to
        get_like_percentage_tool. Answer with the percentage, the number of {users} and the {items} that it rests
        on.""",
        needs=Feature.SEARCH_TEXTS,
    ),
    Template(
        "recommend_popular",
        "Recommend what is popular",
        ("The best {items} for a {user} among those that are popular", When(Feature.NAMED_GROUPS, " in a group"), "."),
        "chart",
        ("user", "user_group", "k"),
        When(
            Feature.NAMED_GROUPS,
            f"""Recommend [k] {{items}} to {{user}} [user] that are popular in the group [user_group]: call
            get_popular_items_tool with user_group=[user_group], {_RANK}""",
            otherwise=f"Recommend [k] popular {{items}} to {{user}} [user]: call get_popular_items_tool, {_RANK}",
        ),
        left_open=(
            "user_group",
            f"""Recommend [k] {{items}} to {{user}} [user] that are popular in the {{user}}'s own group: ask
            get_user_metadata_tool for it, call get_popular_items_tool with that user_group, {_RANK}""",
        ),
    ),
    Template(
        "best_{one}_for_month",
        "Best {one} for a month",
        "Which {one} engages {users} most in a month, such as December for Christmas.",
        "calendar",
        ("month",),
        (
            """Which {one} is the most engaging one in [month]? Find the {items} of that month by item_filter_tool with
            {month} (a number from 1 to 12), and pass its item_set to """,
            When(
                Feature.STATISTICS,
                """get_statistics_tool with group_by={kind} and order_by=per_item. Say on how many {items} and
                {interactions} the answer rests.""",
                otherwise="""get_popular_items_tool with k=10, read their {kind} by get_item_metadata_tool, and compare
                which {one} comes most often and with most {interactions}. Say on which {items} the answer rests.""",
            ),
        ),
        needs=Feature.FILTERED_KINDS | Feature.FILTERED_MONTHS,
    ),
    Template(
        "ideal_value",
        "Ideal value for one {one}",
        "What successful {items} of one {one} are like in a number: {numbers}.",
        "ruler",
        ("field", "kind"),
        """What is the ideal [field] of {items} of this {one}: [{one}]? Find them by item_filter_tool with
        {kind}=["[{one}]"], pass the item_set to get_popular_items_tool with k=3, and read [field] of these by
        get_item_metadata_tool. Answer with the values of the three, their range and their mean, and say that it rests
        on three {items}.""",
        needs=Feature.FILTERED_KINDS | Feature.NUMBERS,
    ),
    Template(
        "about_user",
        "Who is this {user}?",
        "What is known of a {user}: fields, history and taste.",
        "person",
        ("user",),
        (
            "Describe {user} [user]: ",
            When(Feature.USER_FIELDS, "read all fields by get_user_metadata_tool, and "),
            """list 20 {items} of the history by get_interacted_items_tool with detail="full". Sum up in a few
            sentences what this {user} likes, and name the {items} that show it.""",
        ),
    ),
    Template(
        "about_item",
        "About one of the {items}",
        "What is known of one of the {items}, and how many {users} like it.",
        "info",
        ("item",),
        (
            'Tell me about the {item} "[item]". ',
            _LOOK_UP,
            " Read all its fields by get_item_metadata_tool and its audience by get_like_percentage_tool.",
        ),
    ),
    Template(
        "explain_recommendations",
        "Explain recommendations",
        "Why the recommender chooses these {items} for a {user}.",
        "question",
        ("user", "items"),
        f"""Why are the {{items}} [items] recommended to {{user}} [user]? Call get_top_k_recommendations_tool with
        user=[user], items=[items] and reasons=true. {_COMPARE}""",
        left_open=(
            "items",
            f"""Recommend 5 {{items}} to {{user}} [user] and explain them: call get_top_k_recommendations_tool with
            user=[user], k=5 and reasons=true. {_COMPARE}""",
        ),
    ),
)
