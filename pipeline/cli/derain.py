"""``rainclean derain``: rain out of a picture, a folder of pictures or a video."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, follow, print_json, print_text
from pipeline.words import counted


@dataclass(frozen=True)
class Derain:
    """Take the rain out of a picture, of all pictures of a folder, or of a video, with SPANet.

    Every picture goes through the network as a whole, whatever its size. Results are upright. Pictures: PNG, TIFF,
    BMP, WebP (lossless) and JPEG (quality 95) by the extension of OUT; 16 bits stay 16 in PNG and TIFF. A folder
    gives a folder of PNG. Videos: H.264 in .mp4, .mov or .mkv, with the frame times and the sound of the input.
    """

    input: Annotated[Positional[Path], arg(metavar="INPUT")]
    """Picture, folder of pictures, or video file."""
    output: Annotated[str, arg(aliases=["-o"], metavar="OUT")]
    """File to write to, or a folder (one that is there, or ends in /) that gets a file named like the input."""
    weights: Annotated[Path | None, arg(aliases=["-w"], metavar="FILE")] = None
    """Weights of SPANet, of rainclean weights import or train. Default: those that come with rainclean."""
    device: Annotated[str, arg(metavar="NAME")] = "auto"
    """cpu, cuda, or auto: cuda where torch can use it."""
    crf: Annotated[int | None, arg(metavar="0…51")] = None
    """Videos: constant rate factor of H.264; smaller is better and larger. Default: 16."""
    lossless: bool = False
    """Videos: keep every value of every frame (FFV1 in .mkv)."""
    salvage: bool = False
    """Videos: use what can be read of a damaged one; frames that are not whole are left out."""
    overwrite: bool = False
    """Replace files that are there. What is read is never replaced."""
    json: bool = False
    """Print what was written as JSON."""

    def run(self) -> None:
        """Load the weights, derain and write."""
        from rainclean.spanet import load, require_torch, shipped_weights

        require_torch()
        from pipeline.derain import DerainSettings, Kind, derain, plan

        began = perf_counter()
        settings = DerainSettings(self.crf, self.lossless, self.salvage, self.overwrite)
        work = plan(self.input, self.output, settings)

        from rainclean.spanet import choose_device, file_sha256

        device = choose_device(self.device)
        weights = self.weights or shipped_weights()
        net = load(weights).to(device)
        result = follow(derain(net, work))
        what = "frame" if work.kind is Kind.VIDEO else "picture"
        seconds = perf_counter() - began
        if self.json:
            document = {
                "input": str(work.input),
                "output": str(work.output),
                "kind": work.kind.value,
                f"{what}s": result.done,
                "failed": result.failed,
                "notes": result.notes,
                "seconds": round(seconds, 3),
                "device": device,
                "weights": {"file": str(weights), "sha256": file_sha256(weights)},
            }
            print_json(document)
        elif result.done:
            print_text(f"{work.output}: {counted(result.done, what)} in {seconds:.1f} s")
        fail_for_parts(result.failed, len(work.pairs), "pictures could not be derained")
