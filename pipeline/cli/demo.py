"""``rainclean demo``: the main job on the shipped sample, with the truth beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from pipeline.cli.console import follow, print_json, print_table, print_text


@dataclass(frozen=True)
class Demo:
    """Clean the shipped sample and compare every candidate with the known truth.

    The sample is a photograph with painted rain, so that its clean image is known.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")] = Path("demo-output")
    """Folder to write to."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Run `clean` on the sample, by default and by the released rule, and print what it is worth."""
        from pipeline.clean import CleanSettings, clean
        from pipeline.clean_output import clean_folder, write_clean
        from pipeline.demo import SAMPLE, psnr, read_rgb, sample_file
        from rainclean.video import open_source

        truth = read_rgb(sample_file(f"{SAMPLE}_truth.png"))
        clip = sample_file(f"{SAMPLE}.mp4")
        with open_source(clip) as source, clean_folder(self.output, clip) as folder:
            with follow(clean(source, CleanSettings())) as result:
                rainy = psnr(result.reference_rgb, truth)
                report = follow(write_clean(result, source.info, folder))
                worth = [psnr(result.picture(candidate), truth) for candidate in result.candidates]
            with follow(clean(source, CleanSettings(recipe="released"))) as released:
                by_rule = psnr(released.picture(released.candidates[0]), truth)
        rows = [{**row, "psnr_db": db} for row, db in zip(report["candidates"], worth, strict=True)]
        if self.json:
            print_json({"rainy_db": rainy, "released_db": by_rule, "candidates": rows, "timings": report["timings"]})
            return
        print_table(
            ("", "η*", "at", "score", "dB against the truth"),
            [
                (f"rainy frame {report['reference_frame']}", "", "", "", f"{rainy:.1f}"),
                (
                    "released rule, first 100 frames",
                    f"{released.candidates[0].eta}",
                    "",
                    "",
                    f"{by_rule:.1f}",
                ),
                *(
                    (
                        row["recipe"],
                        f"{row['eta']}",
                        f"{row['percentile']:g}",
                        f"{row['score']:.3f}",
                        f"{row['psnr_db']:.1f}",
                    )
                    for row in rows
                ),
            ],
            title="sample_sequences/table.mp4: candidates, best-scored first",
        )
        print_text(
            f"clean image: {self.output / 'clean.png'}; all candidates at a glance: {self.output / 'candidates.png'}"
        )
