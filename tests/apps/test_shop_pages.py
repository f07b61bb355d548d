"""The same pages over another catalogue: string IDs, no ratings, no dates."""

from tests.apps.accessibility import problems
from tests.apps.conftest import Open
from tests.names import HISTORY, POPULAR, RECOMMEND


def test_products_are_described_by_the_shops_own_fields(shop_page: Open) -> None:
    hosted = shop_page("recommendations")
    hosted.show(RECOMMEND, user="dev", k=1, reasons=True)
    hosted.frame.locator(".chips").wait_for()
    assert hosted.frame.locator("h1").inner_text() == "Recommended for customer dev"
    card = " ".join(hosted.frame.locator(".card").inner_text().split())
    assert card.startswith("1 Terracotta pot Garden Price 6.5 euros Because of ")
    because = set(hosted.frame.locator(".because li").all_inner_texts())
    assert because == {"Garden trowel", "Watering can", "Seed tray"}
    assert problems(hosted) == []


def test_what_is_not_known_of_a_product_is_left_out(shop_page: Open) -> None:
    hosted = shop_page("recommendations")
    hosted.show(RECOMMEND, user="eve", items=["TOY-03"])
    hosted.frame.locator(".chips").wait_for()
    assert hosted.frame.locator(".card h2").inner_text() == "Teddy bear"
    assert hosted.frame.locator(".chips").inner_text() == "Toys"
    assert hosted.frame.locator(".facts").count() == 0  # its price


def test_what_is_popular_has_a_rank_and_no_fit(shop_page: Open) -> None:
    hosted = shop_page("recommendations")
    hosted.show(RECOMMEND, user="newcomer", k=4)
    ranks = hosted.frame.locator(".standing").all_inner_texts()
    assert ranks == ["Rank 1", "Rank 1", "Rank 1", "Rank 4"]
    assert hosted.frame.locator(".standing .bar").count() == 0


def test_a_taste_without_ratings_and_dates(shop_page: Open) -> None:
    hosted = shop_page("taste")
    hosted.show(HISTORY, user="gus")
    hosted.frame.locator("section.kinds").wait_for()
    assert hosted.frame.inner_text("header") == "Taste of customer gus\n\nFrom all 4 purchases."
    assert hosted.frame.locator(".figures dd").all_inner_texts() == ["4"]
    bars = [" ".join(line.split()) for line in hosted.frame.locator(".kinds-bars li").all_inner_texts()]
    assert (bars[0], set(bars[1:])) == ("Kitchen 2", {"Garden 1", "Toys 1"})
    assert hosted.frame.locator("section.ratings, section.times").count() == 0
    assert hosted.frame.locator(".recent-list .title").all_inner_texts()[-1] == "Oak chopping board"
    assert problems(hosted) == []


def test_a_customer_without_purchases_has_no_taste(shop_page: Open) -> None:
    hosted = shop_page("taste")
    result = hosted.show(HISTORY, user="newcomer")
    assert hosted.frame.inner_text("main").split("\n", 1)[1].strip() == result["message"]


def test_tiers_can_be_compared(shop_page: Open) -> None:
    hosted = shop_page("popularity")
    hosted.show(POPULAR, user_group="silver")
    names = [label.strip() for label in hosted.frame.locator(".option").all_inner_texts()]
    assert names == ["nobody", "all customers", "gold"]
    hosted.frame.get_by_role("radio", name="gold").check()
    hosted.frame.get_by_role("table", name="Gold").wait_for()
    assert "6 products of 8 are in both lists." in hosted.frame.inner_text("#beside")
    assert hosted.calls == [(POPULAR, {"user_group": ["gold"]})]
    assert problems(hosted) == []


def test_where_nothing_is_popular_the_message_says_so(shop_page: Open) -> None:
    hosted = shop_page("popularity")
    result = hosted.show(POPULAR, items=["TOY-04"])
    assert result["items"] == []
    assert result["message"] in hosted.frame.inner_text("main")
    assert hosted.frame.get_by_role("table").count() == 0
