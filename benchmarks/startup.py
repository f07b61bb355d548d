"""Start-up time and memory, compared with a no-op server of the same SDK: `python -m benchmarks.startup`."""

import sys
import time

import anyio

from benchmarks.common import median, prepared_state, print_table, resident_mb, spawned, wire

ROUNDS = 15


async def spawn_to_list(*command: str) -> tuple[float, float]:
    """Seconds from the start of the process to its list of tools, and its memory at that point."""
    started = time.perf_counter()
    async with spawned(*command) as session:
        await session.initialize()
        await session.list_tools()
        return time.perf_counter() - started, resident_mb()


async def main() -> None:
    state = str(prepared_state().folder)
    noop = ("-m", "benchmarks.noop_server")
    full = ("-m", "mcp_server", "serve", "--state", state)
    await spawn_to_list(*noop)
    await spawn_to_list(*full)
    results: dict[str, list[tuple[float, float]]] = {"noop": [], "full": []}
    for _ in range(ROUNDS):  # in turn, so that both see the same noise
        results["noop"].append(await spawn_to_list(*noop))
        results["full"].append(await spawn_to_list(*full))
    seconds = {name: median([run[0] for run in runs]) for name, runs in results.items()}
    memory = {name: median([run[1] for run in runs]) for name, runs in results.items()}

    async with spawned("-m", "benchmarks.instrumented_server", state) as session:
        await session.initialize()
        query = {"query": "a detective hunts a killer who stages the seven deadly sins"}
        await session.call_tool("vector_store_search_tool", query)
        await session.call_tool("get_top_k_recommendations_tool", {"user": 4})
        loaded = wire(await session.call_tool("loaded", {}))["structuredContent"]["message"]
        all_loaded = resident_mb()

    print_table(
        f"Start-up, median of {ROUNDS} (Python {sys.version.split()[0]})",
        ["", "no-op server", "recsys-mcp", "ratio"],
        [
            [
                "spawn to tools/list, s",
                f"{seconds['noop']:.3f}",
                f"{seconds['full']:.3f}",
                f"{seconds['full'] / seconds['noop']:.2f}",
            ],
            [
                "resident after tools/list, MB",
                f"{memory['noop']:.0f}",
                f"{memory['full']:.0f}",
                f"{memory['full'] / memory['noop']:.2f}",
            ],
            ["resident with everything loaded, MB", "-", f"{all_loaded:.0f}", "-"],
        ],
    )
    print(f"of torch, recbole, pandas, scipy, sklearn in sys.modules: {loaded}")


if __name__ == "__main__":
    anyio.run(main)
