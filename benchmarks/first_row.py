"""A user's first program: make rows, and say when the first is there. Run as a process of its own by `suite_start`."""

from __future__ import annotations

import json
import sys
import tempfile


def main(rows: int, settings: list[str]) -> None:
    """Generate rows; prints one line when the first are made, and one at the end with the stages' seconds."""
    import simloom
    from simloom.sim.campaign.campaign import Campaign

    recipe = simloom.sim.load_recipe("tabletop", overrides=settings)
    told: list[int] = []

    def tell(progress: object) -> None:
        if not told:
            told.append(1)
            print("first", flush=True)

    with tempfile.TemporaryDirectory(prefix="simloom-bench-") as folder:
        campaign = Campaign(recipe, folder, samples=rows)
        campaign.run(tell)
    print(json.dumps(campaign.times.seconds), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
