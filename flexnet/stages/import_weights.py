"""Stage `import_weights`: one model and seed whose weights somebody else's program wrote."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from flexnet.attacks.precision import full_precision
from flexnet.errors import NumericalError
from flexnet.files import write_rows
from flexnet.networks.classifier import Classifier
from flexnet.options.checkpoint import CheckpointOptions
from flexnet.problems import refuse
from flexnet.stages._common import choose_device, load_scored, set_up_cpu
from flexnet.training.checkpoint import save_tensors
from flexnet.training.foreign import digest_of_file, load_foreign
from flexnet.training.run import ImportedRun, build_model
from flexnet.training.scoring import HISTORY, history_row, score
from flexnet.training.trial import try_out


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write weights and history as the training stage does; the history is the one score of the weights.

    Settings: `model`, `seed`, `network`, `options`, `checkpoint`, `run_seed`, `code`.

    Raises:
        ConfigError: if the network, an option or a key of the checkpoint is not allowed.
        DataError: if the file is not what it is said to be, or the images are damaged, not those of the
            subset, or do not fit the network.
        NumericalError: if a logit is not finite.
    """
    set_up_cpu(files.threads)
    refuse("checkpoint", CheckpointOptions.problems(settings["checkpoint"]))
    checkpoint = CheckpointOptions(**settings["checkpoint"])
    known = {key: value for key, value in settings.items() if key != "checkpoint"}
    imported = ImportedRun(**known, checkpoint=checkpoint, sha256=digest_of_file(Path(files.source)))
    model = build_model(imported)
    load_foreign(files.source, checkpoint, model)
    rows = [_scored(imported, model, files)]
    save_tensors(files.weights, model.state_dict(), imported.metadata())
    write_rows(files.history, HISTORY, rows)


def _scored(run: ImportedRun, model: Classifier, files: Namespace) -> dict[str, Any]:
    """The row of the history: the weights on the images that they are scored on; nothing was learned here."""
    device = choose_device()
    scored = load_scored(files, run.network, run.options, device)
    with full_precision(device):
        try_out(model.to(device), run, scored.images)
        totals = score(model.eval(), scored)
    if not bool(totals.isfinite().all()):
        raise NumericalError(
            f"{files.source}: expected finite logits for {len(scored):,} images; got others; look at the "
            "normalisation of the model, and at the file"
        )
    return history_row(run, run.checkpoint.epoch, "test", len(scored), totals, rate=0.0)
