"""SPANet without gradients on the CPU: one picture at a time, layer by layer, in bands of rows.

The same sums as `SPANet.forward`, but

- only three pictures of 32 channels are ever held, 384 bytes a pixel. Whatever else a layer needs it needs for one
  band, which stays in the cache; to touch fresh memory for every layer would take longer than its arithmetic;
- each thread takes the next band through a whole block, and threads meet once a layer. A band's convolutions run in
  its thread alone: torch's own threads would meet after every operation and wait for the slowest;
- the scans up and down cross all bands. What enters a band is found out first, in a pass that keeps nothing else;
  then every band has its four directions and the convolution over them to itself, and no direction is held whole;
- direction weights that are not applied are not computed.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rainclean.spanet import _irnn_numba as kernels
from rainclean.spanet._irnn_cpu import BLOCK, Floats, Team, fresh, spans, team
from rainclean.spanet.architecture import BLOCKS, CHANNELS, GROUPS
from rainclean.spanet.network import Bottleneck, RecurrentWeights, SPANet, SpatialAttention

BAND_PIXELS = 1 << 15
"""Pixels in a band, about: at 32 channels of float32 4 MiB for each layer in work."""

FEWEST_ROWS = 12
"""Rows in a band at least; up to four more are computed twice."""


def forward_in_bands(net: nn.Module, rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Take pictures through a network without gradients: as `net(rgb)`, in bands where that can be.

    It can be for a `SPANet` on the CPU outside of autocast and compilation, with weights and pictures of one type,
    float32 or float64. Modules are not run one by one then, so that their hooks see nothing.

    Args:
        net: a `SPANet`, or any network of that signature.
        rgb: (B, 3, H, W) in [0, 1].

    Returns:
        Attention (B, 1, H, W) and clean picture (B, 3, H, W), as `SPANet.forward`; without gradients.
    """
    if isinstance(net, SPANet) and _can_go(net, rgb):
        return _forward(net, rgb)
    with torch.no_grad():
        attention, clean = net(rgb)
    return attention, clean


def _can_go(net: SPANet, rgb: Tensor) -> bool:
    if torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or rgb.device.type != "cpu":
        return False
    alike = rgb.dtype == net.conv_in[0].weight.dtype and rgb.dtype in (torch.float32, torch.float64)
    return alike and rgb.dim() == 4 and rgb.shape[1] == 3 and min(rgb.shape) > 0


def _forward(net: SPANet, rgb: Tensor) -> tuple[Tensor, Tensor]:
    batch, _, height, width = rgb.shape
    attention, clean = rgb.new_empty((batch, 1, height, width)), rgb.new_empty((batch, 3, height, width))
    with torch.no_grad(), team(CHANNELS * height * width, torch_alone=True) as run:
        picture = Picture(net, height, width, dtype=rgb.new_empty(0).numpy().dtype, run=run)
        for n in range(batch):
            picture.go_through(rgb[n : n + 1], attention[n : n + 1], clean[n : n + 1])
    return attention, clean


class Picture:
    """Memory for pictures of one size, and the layers that work on it."""

    def __init__(self, net: SPANet, height: int, width: int, *, dtype: "np.dtype[np.floating]", run: Team) -> None:
        self.net, self.height, self.width, self.run = net, height, width, run
        self.features, self.spare, self.second = (_picture(fresh((height, width, CHANNELS), dtype)) for _ in range(3))
        self.bands = spans(height, max(FEWEST_ROWS, BAND_PIXELS // width))
        self.dtype = dtype
        # Four directions of a band, the row above it and the row below; taken and given back by the threads.
        self.scratch: list[Floats] = []
        self.entering = Entering(height, width, self.bands, dtype)

    def go_through(self, rgb: Tensor, attention: Tensor, clean: Tensor) -> None:
        """Process one picture (1, 3, H, W) into the results."""
        later = torch.empty_like(attention)
        first_of = {group[0]: index for index, group in enumerate(GROUPS)}
        in_group = {number for group in GROUPS for number in group}
        self._enter(rgb)
        current = attention
        for number in range(1, BLOCKS + 1):
            if number in first_of:
                current = later if first_of[number] else attention
                self._attend(self.net.SAM1, current)
            self._residual(self.net.block(number), current if number in in_group else None)
        self._leave(clean)

    def _each(self, layer: Callable[[int, int], None]) -> None:
        inference = torch.is_inference_mode_enabled()

        def task(i: int, k: int) -> None:
            # Of these modes each thread has its own.
            with torch.inference_mode(inference), torch.no_grad():
                layer(i, k)

        self.run([partial(task, i, k) for i, k in self.bands])

    def _enter(self, rgb: Tensor) -> None:
        weight = _weight(self.net.conv_in[0])

        def layer(i: int, k: int) -> None:
            rows = _rows(rgb, i - 1, k + 1).contiguous(memory_format=torch.channels_last)
            torch.clamp_min(_conv(rows, weight), 0, out=self.features[:, :, i:k])

        self._each(layer)

    def _leave(self, clean: Tensor) -> None:
        weight = _weight(self.net.conv_out[0])

        def layer(i: int, k: int) -> None:
            clean[:, :, i:k] = _conv(_rows(self.features, i - 1, k + 1), weight)

        self._each(layer)

    def _residual(self, block: Bottleneck, attention: Tensor | None) -> None:
        conv1, conv2, conv3 = (_weight(block.group1.get_submodule(f"conv{n}")) for n in (1, 2, 3))

        def layer(i: int, k: int) -> None:
            # Without bias, rows beyond the edge stay zero on their way through the first convolution.
            out = functional.conv2d(_rows(self.features, i - 2, k + 2), conv1).relu_()
            out = functional.conv2d(_conv(out, conv2, dilation=2).relu_(), conv3)
            before = self.features[:, :, i:k]
            out = out.add_(before) if attention is None else torch.addcmul(before, out, attention[:, :, i:k], out=out)
            torch.clamp_min(out, 0, out=self.spare[:, :, i:k])

        self._each(layer)
        self.features, self.spare = self.spare, self.features

    def _attend(self, sam: SpatialAttention, attention: Tensor) -> None:
        """Attention (1, 1, H, W) from the features, which stay as they are."""
        first = _weight(sam.conv_in)

        def layer(i: int, k: int) -> None:
            self.spare[:, :, i:k] = _conv(_rows(self.features, i - 1, k + 1), first)

        def keep(out: Tensor, i: int, k: int) -> None:
            self.second[:, :, i:k] = out

        def finish(out: Tensor, i: int, k: int) -> None:
            attention[:, :, i:k] = functional.conv2d(out.relu_(), sam.conv_out.weight).sigmoid_()

        self._each(layer)
        weights = self._direction_weights(sam) if sam.direction_attention else None
        self._scan_and_convolve(self.spare, sam.irnn1, sam.conv2, weights, keep)
        self._scan_and_convolve(self.second, sam.irnn2, sam.conv3, weights, finish)

    def _direction_weights(self, sam: SpatialAttention) -> Tensor:
        """Compute direction weights (1, 4, H, W)."""
        conv1, conv2, conv3 = (sam.attention_layer.get_submodule(f"conv{n}") for n in (1, 2, 3))
        weights = self.features.new_empty((1, 4, self.height, self.width))

        def layer(i: int, k: int) -> None:
            top, bottom = max(i - 1, 0), min(k + 1, self.height)
            out = _conv(_rows(self.features, top - 1, bottom + 1), _weight(conv1), _bias(conv1)).relu_()
            out = functional.pad(out, (0, 0, top - (i - 1), k + 1 - bottom))
            out = _conv(out, _weight(conv2), _bias(conv2)).relu_()
            weights[:, :, i:k] = functional.conv2d(out, _weight(conv3), _bias(conv3)).sigmoid_()

        self._each(layer)
        return weights

    def _scan_and_convolve(
        self,
        source: Tensor,
        recurrent: RecurrentWeights,
        conv: nn.Conv2d,
        weights: Tensor | None,
        use: Callable[[Tensor, int, int], None],
    ) -> None:
        """IRNN of a picture and the convolution over its directions, handed to ``use`` band by band."""
        w, b = (part.numpy() for part in recurrent.stacked())
        xs = _array(source)
        self.entering.find_out(xs, w, b, self.run)

        def layer(i: int, k: int) -> None:
            scratch = self._take_scratch()
            try:
                self._scan(xs, w, b, band=(i, k), scratch=scratch)
                rows = torch.from_numpy(scratch[: k - i + 2])
                if weights is not None:
                    rows = rows * _rows(weights, i - 1, k + 1)[0].permute(1, 2, 0).unsqueeze(3)
                use(_conv(_picture(rows.flatten(2)), conv.weight), i, k)
            finally:
                self.scratch.append(scratch)

        self._each(layer)

    def _scan(self, xs: Floats, w: Floats, b: Floats, *, band: tuple[int, int], scratch: Floats) -> None:
        """Four directions of a band and of the rows next to it, which are zero beyond the picture."""
        i, k = band
        top, bottom = max(i - 1, 0), min(k + 1, self.height)
        start = top - (i - 1)
        scratch[:start], scratch[start + bottom - top :] = 0, 0
        x, out = xs[top:bottom], scratch[start : start + bottom - top]
        kernels.scan_along(x, w, b, out)
        down, up = self.entering.for_band(i)
        for first, last in spans(self.width, BLOCK):
            kernels.scan_across(x, w, b, kernels.DOWN, down, top > 0, first, last, out)
            kernels.scan_across(x, w, b, kernels.UP, up, bottom < self.height, first, last, out)

    def _take_scratch(self) -> Floats:
        try:
            return self.scratch.pop()
        except IndexError:
            rows = max(k - i for i, k in self.bands) + 2
            return fresh((rows, self.width, 4, CHANNELS), self.dtype)


class Entering:
    """For each band, the scans' results in the row before its first (down) and after its last (up) that it needs."""

    def __init__(self, height: int, width: int, bands: list[tuple[int, int]], dtype: "np.dtype[np.floating]") -> None:
        self.number = {i: number for number, (i, _) in enumerate(bands)}
        self.rows = fresh((2, len(bands), width, CHANNELS), dtype)
        # Which band wants the result of a row; a band needs its neighbouring rows scanned as well.
        self.wanted = np.full((2, height), -1, np.int64)
        for number, (i, k) in enumerate(bands):
            if i > 1:
                self.wanted[0, i - 2] = number
            if k + 1 < height:
                self.wanted[1, k + 1] = number

    def find_out(self, xs: Floats, w: Floats, b: Floats, run: Team) -> None:
        """Scan the picture (H, W, C) down and up, keeping those rows."""
        if len(self.number) == 1:
            return
        run(
            partial(kernels.scan_through, xs, w, b, direction, wanted, first, last, rows)
            for direction, wanted, rows in zip((kernels.DOWN, kernels.UP), self.wanted, self.rows, strict=True)
            for first, last in spans(xs.shape[1], BLOCK)
        )

    def for_band(self, first_row: int) -> tuple[Floats, Floats]:
        """Return (W, C) from above and from below the band that begins there; arbitrary where nothing enters."""
        down, up = self.rows[:, self.number[first_row]]
        return down, up


def _weight(conv: nn.Module) -> Tensor:
    assert isinstance(conv, nn.Conv2d)
    return conv.weight


def _bias(conv: nn.Module) -> Tensor | None:
    assert isinstance(conv, nn.Conv2d)
    return conv.bias


def _picture(rows: Floats | Tensor) -> Tensor:
    """View (H, W, C) memory as a tensor (1, C, H, W), in strides that torch knows as channels-last."""
    tensor = rows if isinstance(rows, Tensor) else torch.from_numpy(rows)
    return tensor.unsqueeze(0).permute(0, 3, 1, 2)


def _array(picture: Tensor) -> Floats:
    """View a (1, C, H, W) tensor of ours as its memory, (H, W, C)."""
    array: Floats = picture[0].permute(1, 2, 0).numpy()
    return array


def _rows(picture: Tensor, start: int, stop: int) -> Tensor:
    """Take rows ``start`` to ``stop``, exclusive, of (1, C, H, W); those beyond its edges are zero."""
    above, below = max(0, -start), max(0, stop - picture.shape[2])
    rows = picture[:, :, start + above : stop - below]
    return functional.pad(rows, (0, 0, above, below)) if above or below else rows


def _conv(rows: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1) -> Tensor:
    """Convolve 3×3 rows that include those above and below: as wide as before, 2·dilation rows fewer."""
    return functional.conv2d(rows, weight, bias, padding=(0, dilation), dilation=dilation)
