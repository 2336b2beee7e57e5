"""The published data sets that are known by their names: one entry each, of rules in the language of `rules`.

Sources, read in November 2026:

- SPA-Data: stevewongv/SPANet, `real_world.txt` and the folders it names.
- RCDNet's copy of it, and its Rain100L: hongwang01/RCDNet, README.md (`test/small/{rain,norain}/*.png`).
- Rain100L, Rain100H: the archives of Yang et al. (`rain_data_train_Light/rain/norain-1x2.png`,
  `rain_data_test_Light/rain/X2/norain-001x2.png`, `norain/norain-1.png`). Their first version: csdwren/PReNet,
  DerainDataset.py (`RainTrainH/{rain,norain}-1.png`), test_Rain100H.sh, statistic_rain100H.m
  (`Rain100H/rainy/rain-001.png`, `Rain100H/norain-001.png`).
- DDN, also called Rain1400 and Rain12600: csdwren/PReNet, DerainDataset.py (`rainy_image/1_1.jpg`,
  `ground_truth/1.jpg`).
- Rain13K and its five test sets: swz30/MPRNet, swz30/Restormer (`train/Rain13K/{input,target}`,
  `test/Test100/{input,target}`), open-mmlab/mmagic (`Test100/{input,target}`).
- GT-RAIN: UCLA-VMG/GT-RAIN, training_deraining_code.ipynb (`SCENE/*R-*.png`, the clean picture by its last nine
  characters; in one scene each rainy picture has its own).
- LHP-Rain: yunguo224/LHP-Rain, SCD-Former/dataset/dataset_derain.py (`input`, `gt`).
- RealRain-1k: folders `training`, `validation`, `test` with `input` and `target`, as its copies have them; its
  repository hiker-lw/RealRain-1k does not describe them.
"""

from dataclasses import dataclass

from rainclean.dataset.rules import Rule


@dataclass(frozen=True)
class Family:
    """Published data sets with the same names.

    Attributes:
        name: What `check` and reports call it.
        sets: The data sets, for a person.
        rules: The first that finds a clean picture counts.
    """

    name: str
    sets: str
    rules: tuple[Rule, ...]


FAMILIES = (
    Family("spa-folders", "SPA-Data", (
        Rule("**/real_world/*/**/*.*", "{1}/real_world_gt/{2}/{3}/{4}.*", scene="{2}", split="train"),
        Rule("**/real_world/*.*", "{1}/real_world_gt/{2}.*", split="train"),
        Rule("**/real_test_1000/rain/*.*", "{1}/real_test_1000/gt/{2}gt.*", split="test"),
    )),
    Family("gt-rain", "GT-RAIN", (
        Rule("**/Gurutto_1-2/*R-*.*", "{dir}/{2}C-{3}.*", scene="Gurutto_1-2"),
        Rule("**/*/*R-*.*", "{dir}/{3}C-000.*", scene="{2}"),
    )),
    Family("ddn", "DDN", (
        Rule("**/rainy_image/*_*.*", "{1}/ground_truth/{2}.*", scene="{1}/{2}"),
        Rule("**/rainy_image/*.*", "{1}/ground_truth/{2}.*", scene="{1}/{2}"),
    )),
    Family("rain-norain", "Rain100L, Rain100H", (
        Rule("**/rain/X2/*x2.*", "{1}/norain/{2}.*"),
        Rule("**/rain/*x2.*", "{1}/norain/{2}.*"),
        Rule("**/rain/rain-*.*", "{1}/norain/norain-{2}.*"),
        Rule("**/rain/*.*", "{1}/norain/{2}.*"),
        Rule("**/rainy/rain-*.*", "{1}/norain-{2}.*"),
        Rule("**/rainy/rain-*.*", "{1}/norain/norain-{2}.*"),
        Rule("**/rainy/*.*", "{1}/norain/{2}.*"),
        Rule("**/rain-*.*", "{1}/norain-{2}.*"),
    )),
    Family("input-target", "Rain13K, RealRain-1k", (Rule("**/input/*.*", "{1}/target/{2}.*"),)),
    Family("input-gt", "LHP-Rain", (Rule("**/input/*.*", "{1}/gt/{2}.*"),)),
)  # fmt: skip

KNOWN = ", ".join(family.sets for family in FAMILIES)
