"""The card says what the manifest says, all of it, in Markdown."""

from pathlib import Path

import pytest

from service.manifest import (
    Manifest,
    Measurement,
    Operation,
    OperationName,
    SigmaInput,
    StepsInput,
    Tensor,
    Tiles,
)
from tests.training.pca import IMAGES, RECONSTRUCTIONS, manifest
from training import card

CODINGS = Tensor(name="codings", dtype="float32", shape=("batch", 16))
STEPS = StepsInput(tensor=Tensor(name="steps", dtype="int64", shape=()), default=28)
TEST, VALIDATION = "200 test images", "100 validation images"
DEAD, NOISY = "50% of the pixels dead", "gaussian noise of 0.1"


def operation(file: str, taken: Tensor, given: Tensor, steps: StepsInput | None) -> Operation:
    return Operation(
        file=file,
        sha256="0" * 64,
        input=taken,
        output=given,
        steps=steps,
        sigma=None,
        tiles=None,
        profile=None,
        mosaic=None,
    )


def psnr(condition: str, method: str, value: float) -> Measurement:
    return Measurement(
        quantity="psnr", data=TEST, condition=condition, method=method, value=value, unit="dB"
    )


def plain(quantity: str, condition: str, method: str, value: float) -> Measurement:
    return Measurement.model_validate(
        {
            "quantity": quantity,
            "data": TEST if quantity == "ssim" else VALIDATION,
            "condition": condition,
            "method": method,
            "value": value,
            "unit": "",
        }
    )


MEASUREMENTS = (
    plain("mse", "clean", "model", 0.012361),
    psnr("clean", "model", 19.091),
    plain("share", "activations under 0.1", "model", 0.7124),
    psnr(DEAD, "model", 18.313),
    psnr(DEAD, "corrupted input", 9.862),
    psnr(DEAD, "wavelets", 14.505),
    plain("ssim", DEAD, "model", 0.6512),
    plain("ssim", DEAD, "corrupted input", 0.4131),
    plain("ssim", DEAD, "wavelets", 0.4022),
    psnr(NOISY, "model", 18.774),
    psnr(NOISY, "corrupted input", 21.596),
    psnr(NOISY, "wavelets", 24.058),
)


def model(*measurements: Measurement, denoises: bool = True) -> Manifest:
    operations: dict[OperationName, Operation] = {
        "encode": operation("encoder.onnx", IMAGES, CODINGS, None),
        "decode": operation("decoder.onnx", CODINGS, RECONSTRUCTIONS, STEPS),
    }
    if denoises:
        operations["denoise"] = operation("denoiser.onnx", IMAGES, RECONSTRUCTIONS, None)
    return manifest("pca", operations).model_copy(update={"measurements": measurements})


def rows(text: str, header: str) -> dict[str, list[str]]:
    """Return the cells after the first of each row of the table whose header starts so."""
    for block in text.split("\n\n"):
        first, *others = block.splitlines()
        if first.startswith(f"| {header} |") and others:
            table = [[cell.strip() for cell in row.strip("|").split("|")] for row in others[1:]]
            return {name: cells for name, *cells in table}
    raise AssertionError(f"no table {header}")


def test_a_card_contains_every_measured_figure() -> None:
    text = card.render(model(*MEASUREMENTS))
    for written in ("0.01236", "19.09 dB", "71.2%", "18.31 dB", "9.86 dB", "14.51 dB", "0.651"):
        assert written in text
    for written in ("0.413", "0.402", "18.77 dB", "21.60 dB", "24.06 dB"):
        assert written in text


def test_denoising_figures_are_a_table_of_noise_and_method_with_the_best_in_bold() -> None:
    text = card.render(model(*MEASUREMENTS))
    assert "| PSNR | model | corrupted input | wavelets |" in text
    assert rows(text, "PSNR") == {
        DEAD: ["**18.31 dB**", "9.86 dB", "14.51 dB"],
        NOISY: ["18.77 dB", "21.60 dB", "**24.06 dB**"],
    }


def test_a_table_has_no_row_for_a_noise_that_was_not_measured() -> None:
    assert rows(card.render(model(*MEASUREMENTS)), "SSIM") == {
        DEAD: ["**0.651**", "0.413", "0.402"]
    }


def test_other_figures_are_listed_with_images_condition_and_method() -> None:
    text = card.render(model(*MEASUREMENTS))
    listed = rows(text, "figure")
    assert listed["MSE"] == [VALIDATION, "clean", "model", "0.01236"]
    assert listed["share"] == [VALIDATION, "activations under 0.1", "model", "71.2%"]
    assert len(listed) == 3


def test_operations_are_described_with_tensors_shapes_and_files() -> None:
    described = rows(card.render(model()), "operation")
    assert described["encode"] == [
        "`encoder.onnx`",
        "`images` float32 (batch, 28, 28)",
        "`codings` float32 (batch, 16)",
    ]
    assert (
        "`steps` int64 scalar, the number of steps to give back, 28 where" in described["decode"][1]
    )
    assert list(described) == ["encode", "decode", "denoise"]


def photographs(*measurements: Measurement) -> Manifest:
    """A model that takes photographs of any size, and a sigma."""
    taken = Tensor(name="images", dtype="float32", shape=("batch", "height", "width", 3))
    sigma = SigmaInput(
        tensor=Tensor(name="sigma", dtype="float32", shape=("batch",)), unknown=-1.0, highest=100.0
    )
    described = operation("denoiser.onnx", taken, taken, None).model_copy(
        update={"sigma": sigma, "tiles": Tiles(stride=8, halo=32)}
    )
    return manifest("photo", {"denoise": described}, "RGB").model_copy(
        update={"measurements": measurements}
    )


def test_an_operation_on_photographs_says_what_else_it_takes() -> None:
    assert rows(card.render(photographs()), "operation")["denoise"][1] == (
        "`images` float32 (batch, height, width, 3); height and width multiples of 8, with 32 "
        "pixels around what is kept of a tile; `sigma` float32 (batch), the standard deviation of "
        "the noise on the scale of 0 to 255, up to 100, -1 where it is unknown"
    )


def test_figures_of_photographs_are_not_explained_as_those_of_fashion_mnist() -> None:
    noise = "camera noise, high ISO"
    measured = (psnr(noise, "model", 30.0), psnr(noise, "corrupted input", 20.0))
    text, other = card.render(photographs(*measured)), card.render(model(*measured))
    for said in ("PSNR is the mean of each image's, for a peak of 255", "noise is synthetic"):
        assert said in text
        assert said not in other
    for said in ("PSNR is of the mean MSE, for a peak of 1;", "linear filter is learned", "of no"):
        assert said in other
        assert said not in text
    assert f"All methods restore the same noisy images ({TEST})" in text


def test_a_model_that_may_be_told_sigma_is_compared_at_its_best() -> None:
    measured = (
        psnr(NOISY, "model", 30.0),
        psnr(NOISY, "model, told sigma", 30.4),
        psnr(NOISY, "corrupted input", 20.0),
        psnr(NOISY, "wavelets", 30.3),
    )
    limits = card.render(photographs(*measured)).partition("## Limits")[2]
    assert "better" not in limits
    limits = card.render(photographs(*measured, psnr(NOISY, "magic", 30.5))).partition("## Lim")[2]
    assert f"{NOISY}: restored better by magic." in limits
    limits = card.render(photographs(*measured[:2], psnr(NOISY, "corrupted input", 30.1)))
    assert f"{NOISY}: left as it is" in limits


def test_provenance_is_told_in_full() -> None:
    described = model()
    text = card.render(described)
    origin = described.provenance
    for fact in (origin.dataset, origin.dataset_licence, origin.command, "Seed 7", "3 epochs"):
        assert fact in text
    assert origin.trained_at.isoformat() in text
    assert f"numpy {origin.versions['numpy']}" in text
    assert "divided by 255" in text


def test_limits_name_the_noise_at_which_something_else_is_better() -> None:
    limits = card.render(model(*MEASUREMENTS)).partition("## Limits")[2]
    assert f"{NOISY}: left as it is" in limits
    assert DEAD not in limits


def test_limits_name_the_methods_that_restore_better() -> None:
    measured = (
        psnr(DEAD, "model", 15.0),
        psnr(DEAD, "corrupted input", 9.9),
        psnr(DEAD, "wavelets", 14.5),
        psnr(DEAD, "linear filter", 17.6),
    )
    limits = card.render(model(*measured)).partition("## Limits")[2]
    assert f"{DEAD}: restored better by linear filter." in limits


@pytest.mark.parametrize("denoises", [True, False])
def test_limits_say_whether_noise_can_be_removed(denoises: bool) -> None:
    text = card.render(model(denoises=denoises))
    assert ("offers no denoise" in text) is not denoises


def test_a_model_that_was_not_measured_yet_says_so() -> None:
    assert "Not measured yet." in card.render(model())
    assert "Not measured yet." not in card.render(model(*MEASUREMENTS))


def test_a_written_card_is_the_same_each_time(tmp_path: Path) -> None:
    card.write(model(*MEASUREMENTS), tmp_path)
    first = (tmp_path / "README.md").read_bytes()
    card.write(Manifest.model_validate_json(model(*MEASUREMENTS).model_dump_json()), tmp_path)
    assert (tmp_path / "README.md").read_bytes() == first
    assert first.endswith(b"\n")


def test_figures_of_several_sets_have_a_table_each_that_names_them() -> None:
    """A constant noise level is shown beside what it gives, and how far the model is from it."""

    def figure(data: str, quantity: str, method: str, value: float) -> Measurement:
        unit = {"psnr": "dB", "sigma": "levels"}.get(quantity, "")
        described = {"data": data, "condition": "noise of rms 5.3, blur 0.8", "method": method}
        return Measurement.model_validate(
            {"quantity": quantity, "value": value, "unit": unit, **described}
        )

    constant = "model, told the best constant sigma"
    text = card.render(
        photographs(
            figure("1 image", "psnr", "model", 36.5),
            figure("1 image", "psnr", "corrupted input", 33.6),
            figure("1 image", "estimate", "model", 0.912),
            figure("1 image", "spread", "model", 1.234),
            figure("1 image", "psnr", constant, 36.75),
            figure("1 image", "sigma", constant, 8),
            figure("2 images", "psnr", "model", 30),
            figure("2 images", "psnr", "corrupted input", 29),
        )
    )
    noise = "noise of rms 5.3, blur 0.8"
    assert rows(text, f"PSNR, 1 image | model | corrupted input | {constant} | difference") == {
        noise: ["36.50 dB", "33.60 dB", "**36.75 dB** (sigma 8)", "-0.25 dB"]
    }
    assert rows(text, "PSNR, 2 images") == {noise: ["**30.00 dB**", "29.00 dB"]}
    assert rows(text, "images | noise | estimated / true") == {"1 image": [noise, "0.91", "1.23"]}
    assert "restored better by" not in text
    assert "Correlated noise is drawn" in text
    assert "White noise is drawn" not in text


def test_errors_that_a_mean_hides_are_listed_in_levels() -> None:
    figure = Measurement(
        quantity="rms", data="gray", condition="inside", method="model", value=2.3, unit="levels"
    )
    listed = rows(card.render(photographs(figure)), "figure")
    assert listed["RMS of the error"] == ["gray", "inside", "model", "2.30 levels"]
