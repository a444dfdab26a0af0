"""Check a folder of models of one's own and draw each beside the convex parts that it collides by.

python examples/own_assets.py docs/images/own_assets.png
"""

import shutil
import sys
import tempfile
from pathlib import Path

import cv2

from simloom.scenes.asset_check import check_folder
from simloom.scenes.asset_sources import pybullet_data_folder
from simloom.sim.asset_picture import draw_assets

MODELS = {
    "duck": ("duck.obj", "duck.mtl", "duckCM.png"),
    "mug": ("objects/mug.obj",),
    "torus": ("torus/torus_textured.obj",),
    "teddy": ("teddy2_VHACD_CHs.obj", "teddy_vhacd.urdf"),
    "tray": ("tray/traybox.urdf", "tray/tray_textured.obj", "tray/tray_textured.mtl", "tray/tray.jpg"),
    "lego": ("lego/lego.obj", "lego/lego.urdf", "lego/lego_vhacd.obj"),
}
"""Files out of PyBullet's own models."""
SAID = {"duck": "class: duck\nscale: 0.05\nup: y\nmass: 0.08\n", "mug": "class: mug\ndensity: 2300\n"}
"""What is known of two of them."""


def fill_folder(folder, names=tuple(MODELS)):
    """Copy models into a folder as a user might have them, with what is known of two."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for file in MODELS[name]:
            shutil.copy(pybullet_data_folder() / file, folder / name)
    for name, text in SAID.items():
        if name in names:
            (folder / name / "asset.yaml").write_text(text)


def main(target, names=tuple(MODELS)):
    """Check, print and draw."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "my_models"
        fill_folder(folder, names)
        reports = check_folder(folder, hulls=True)
        for report in reports:
            print(report.status, report.name, report.class_name, report.split, report.facts.get("size"))
            for finding in report.findings:
                print("   ", finding.level, finding)
        picture = draw_assets(folder, reports)
    cv2.imwrite(str(target), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "own_assets.png")
