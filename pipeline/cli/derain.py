"""``rainclean derain``: remove rain from an image, a folder of images or a video."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, follow, print_json, print_text
from pipeline.text_format import counted

if TYPE_CHECKING:
    from pipeline.derain import OwnNetwork
    from rainclean.spanet import SPANet


@dataclass(frozen=True, kw_only=True)
class Derain:
    """Remove rain from an image, all images in a folder, or a video, with SPANet or a network of yours.

    SPANet processes every image as a whole, whatever its size. Results are upright. Images are written as PNG,
    TIFF, BMP, WebP (lossless) or JPEG (quality 95), by the extension of OUT; PNG and TIFF keep 16 bits. A folder gives
    a folder of PNG files. Videos are H.264 in .mp4, .mov or .mkv, with the frame times and the sound of the input.
    """

    input: Annotated[Positional[Path], arg(metavar="INPUT")]
    """Image, folder of images, or video file."""
    output: Annotated[str, arg(aliases=["-o"], metavar="OUT")]
    """File to write, or a folder (an existing one, or a name that ends in /) for a file named like the input."""
    weights: Annotated[Path | None, arg(aliases=["-w"], metavar="FILE")] = None
    """Weights file, from rainclean weights import or train, or folder of a run. Default: the weights that come with
    rainclean."""
    network: Annotated[str, arg(metavar="MODULE:FACTORY")] = ""
    """Network that the weights belong to, if they are not of SPANet; its code is run."""
    accept_changed_network: bool = False
    """Use the network although its source has changed since the training."""
    device: Annotated[str, arg(metavar="NAME")] = "auto"
    """cpu, cuda, or auto: cuda where torch can use it."""
    crf: Annotated[int | None, arg(metavar="0…51")] = None
    """Videos: constant rate factor of H.264; smaller means better quality and larger files. Default: 16."""
    lossless: bool = False
    """Videos: lossless encoding (FFV1 in .mkv)."""
    salvage: bool = False
    """Videos: use the readable part of a damaged file; incomplete frames are left out."""
    overwrite: bool = False
    """Replace existing files. The input is never replaced."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Load the weights, derain and write."""
        from rainclean.spanet import load, require_torch, shipped_weights

        require_torch()
        from pipeline.derain import DerainSettings, Kind, derain, plan

        began = perf_counter()
        settings = DerainSettings(self.crf, self.lossless, self.salvage, self.overwrite)
        work = plan(self.input, self.output, settings)

        from pipeline.training import load_network, network_of, weights_in
        from rainclean.spanet import choose_device, file_sha256

        device = choose_device(self.device)
        weights = shipped_weights() if self.weights is None else weights_in(self.weights)
        net: SPANet | OwnNetwork
        networks = (self.network,) if self.network else ()
        if networks or network_of(weights) is not None:
            net = load_network(weights, networks, accept_changed=self.accept_changed_network, device=device)
        else:
            net = load(weights).to(device)
        result = follow(derain(net, work))
        what = "frame" if work.kind is Kind.VIDEO else "image"
        seconds = perf_counter() - began
        if self.json:
            document = {
                "input": str(work.input),
                "output": str(work.output),
                "kind": work.kind.value,
                "frames" if work.kind is Kind.VIDEO else "pictures": result.done,
                "failed": result.failed,
                "notes": result.notes,
                "seconds": round(seconds, 3),
                "device": device,
                "weights": {"file": str(weights), "sha256": file_sha256(weights)},
            }
            print_json(document)
        elif result.done:
            print_text(f"{work.output}: {counted(result.done, what)} in {seconds:.1f} s")
        fail_for_parts(result.failed, len(work.pairs), "images could not be derained")
