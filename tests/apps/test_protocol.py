"""Pages and their hosts: messages, sizes and themes."""

import re
from typing import Any

import pytest

from tests.apps.accessibility import problems
from tests.apps.conftest import Open
from tests.apps.hosted import CallTool, Host, Hosted, Server
from tests.names import HISTORY, POPULAR, RECOMMEND

PAGES = ("recommendations", "taste", "popularity")

LIGHT, DARK = (255, 255, 255), (27, 28, 31)


def background(hosted: Hosted) -> tuple[int, ...]:
    color = hosted.frame.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(int(part) for part in re.findall(r"\d+", color))


def text(hosted: Hosted) -> str:
    shown: str = hosted.frame.inner_text("main")
    return shown


def test_tools_name_their_pages_and_the_server_has_them(films_server: Server) -> None:
    pages = {
        tool["name"]: tool["_meta"]["ui"]["resourceUri"]
        for tool in films_server.tools()
        if "ui" in tool.get("_meta", {})
    }
    assert pages == {
        RECOMMEND: "ui://recsys/recommendations",
        HISTORY: "ui://recsys/taste",
        POPULAR: "ui://recsys/popularity",
    }
    for uri in pages.values():
        (content,) = films_server.read(uri)["contents"]
        assert (content["uri"], content["mimeType"]) == (uri, "text/html;profile=mcp-app")
        assert content["_meta"]["ui"]["csp"] == {"connectDomains": [], "resourceDomains": []}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_introduces_itself(films_page: Open, name: str) -> None:
    assert films_page(name).introduction["name"] == f"recsys-mcp {name}"


def test_the_page_says_what_it_waits_for(films_page: Open) -> None:
    hosted = films_page("recommendations")
    hosted.tab.evaluate("bridge.sendToolInputPartial({ arguments: {} })")
    hosted.frame.get_by_text("Choosing films for a viewer …").wait_for()
    hosted.send_input({"user": 98})
    hosted.frame.get_by_text("Choosing films for viewer 98 …").wait_for()
    assert hosted.frame.get_attribute("main", "aria-busy") == "true"


def test_the_host_decides_between_light_and_dark_at_any_time(films_page: Open) -> None:
    hosted = films_page("popularity", context={"theme": "dark"}, color_scheme="light")
    assert background(hosted) == DARK
    hosted.tab.evaluate("bridge.setHostContext({ theme: 'light' })")
    hosted.frame.wait_for_function("document.documentElement.style.colorScheme === 'light'")
    assert background(hosted) == LIGHT


@pytest.mark.parametrize(("scheme", "expected"), [("light", LIGHT), ("dark", DARK)])
def test_without_a_word_from_the_host_the_browser_decides(
    films_page: Open, scheme: str, expected: tuple[int, ...]
) -> None:
    assert background(films_page("taste", color_scheme=scheme)) == expected


def test_the_hosts_colours_and_margins_are_taken(films_page: Open) -> None:
    variables = {"--color-background-primary": "light-dark(rgb(1, 2, 3), rgb(4, 5, 6))", "--font-sans": "Georgia"}
    insets = {"top": 44, "right": 0, "bottom": 0, "left": 0}
    hosted = films_page(
        "taste", context={"theme": "dark", "styles": {"variables": variables}, "safeAreaInsets": insets}
    )
    assert background(hosted) == (4, 5, 6)
    style = hosted.frame.evaluate(
        "(({fontFamily, paddingTop}) => [fontFamily, paddingTop])(getComputedStyle(document.body))"
    )
    assert style == ["Georgia", "44px"]


def test_the_host_is_told_how_tall_the_page_is(films_page: Open) -> None:
    hosted = films_page("recommendations")
    hosted.show(RECOMMEND, user=98, k=6)
    hosted.frame.locator(".chips").nth(5).wait_for()
    hosted.tab.wait_for_function(
        "sizes.at(-1).height === Math.ceil(document.querySelector('iframe').getBoundingClientRect().height)"
    )
    scrolls = hosted.frame.evaluate("document.documentElement.scrollHeight > window.innerHeight")
    assert not scrolls


@pytest.mark.parametrize(
    ("name", "tool", "arguments"),
    [
        ("recommendations", RECOMMEND, {"user": 5000}),
        ("taste", HISTORY, {"user": 5000}),
        ("popularity", POPULAR, {"user_group": "giants"}),
    ],
)
def test_an_error_is_shown_in_the_servers_words(
    films_page: Open, films_call: CallTool, name: str, tool: str, arguments: dict[str, Any]
) -> None:
    hosted = films_page(name)
    hosted.show(tool, **arguments)
    alert = hosted.frame.get_by_role("alert")
    assert films_call(tool, arguments)["content"][0]["text"] in alert.inner_text()


def test_a_cancelled_call_is_shown_as_such(films_page: Open) -> None:
    hosted = films_page("taste")
    hosted.send_input({"user": 90})
    hosted.tab.evaluate("bridge.sendToolCancelled({ reason: 'stopped by the user' })")
    hosted.frame.get_by_role("heading", name="Cancelled").wait_for()
    assert "Stopped by the user" in text(hosted)
    assert problems(hosted) == []


def test_a_host_that_passes_on_only_the_text_of_a_result_is_enough(films_page: Open, films_call: CallTool) -> None:
    hosted = films_page("popularity")
    hosted.send_input({"k": 3})
    result = films_call(POPULAR, {"k": 3})
    hosted.send_result({"content": result["content"]})
    hosted.frame.get_by_role("rowheader", name=result["structuredContent"]["items"][0]["title"]).wait_for()


def test_a_result_that_is_no_result_is_an_error(films_page: Open) -> None:
    hosted = films_page("popularity")
    hosted.send_input({"k": 3})
    hosted.send_result({"content": [{"type": "text", "text": "all went well"}]})
    assert "no result that can be shown" in hosted.frame.get_by_role("alert").inner_text()


def test_results_of_the_pages_own_calls_do_not_replace_what_is_shown(films_page: Open, films_call: CallTool) -> None:
    hosted = films_page("recommendations")
    hosted.show(RECOMMEND, user=98, k=2)
    before = hosted.frame.locator("h1").inner_text()
    hosted.send_result(films_call(RECOMMEND, {"user": 1, "k": 2}))
    hosted.tab.evaluate("bridge.sendHostContextChange({ theme: 'dark' })")  # after which the result has been seen
    hosted.frame.wait_for_function("document.documentElement.style.colorScheme === 'dark'")
    assert hosted.frame.locator("h1").inner_text() == before


def test_only_the_host_is_listened_to(films_page: Open) -> None:
    hosted = films_page("recommendations")
    hosted.show(RECOMMEND, user=98, k=2)
    hosted.frame.evaluate(
        """() => new Promise((done) => {
            const method = "ui/notifications/tool-cancelled";
            window.addEventListener("message", done);
            for (const each of [method, method.replace("cancelled", "input")])
                window.postMessage({ jsonrpc: "2.0", method: each, params: {} }, "*");
        })"""
    )
    assert hosted.frame.locator("h1").inner_text() == "Recommended for viewer 98"


def test_a_page_lets_itself_be_taken_down(films_page: Open) -> None:
    hosted = films_page("taste")
    assert hosted.tab.evaluate("bridge.teardownResource({})") == {}


def test_a_request_that_the_page_does_not_know_is_refused(films_page: Open) -> None:
    hosted = films_page("taste")
    refused = hosted.tab.evaluate("bridge.callTool({ name: 'anything' }).catch((error) => [error.code, error.message])")
    assert refused[0] == -32601
    assert "there is no tools/call" in refused[1]


@pytest.mark.parametrize(("motion", "animated"), [("reduce", False), ("no-preference", True)])
def test_nothing_moves_where_people_do_not_want_it(films_page: Open, motion: str, animated: bool) -> None:
    hosted = films_page("taste", reduced_motion=motion)
    name = hosted.frame.evaluate("getComputedStyle(document.querySelector('.skeleton')).animationName")
    assert (name != "none") == animated


def test_a_script_that_gets_into_the_document_does_not_run(films_page: Open, host: Host) -> None:
    hosted = films_page("taste")
    ran = hosted.frame.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            return window.ran === true;
        }"""
    )
    assert not ran
    assert "Content Security Policy" in host.complaints.pop()
