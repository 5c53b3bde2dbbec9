"""Configuration, wildcards and helpers that all stages share. Nothing here imports torch.

Paths say everything. Their first part is the home of a scale: none for the scale of the papers,
`laptop/`, `demo/` or another file of config/scales/, and `published/<scale>/` for the rows of finished
runs that are kept with the code. Figures carry their protocol: none for the paper's, `release/`,
`corrected/`.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The jobs' `python` is the one that runs Snakemake, also on a cluster node and without activation.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

from flexnet import config as settings
from flexnet.digest import code_digest, file_digest
from flexnet.errors import ConfigError
from flexnet.files import canonical_json, ordered_json
from flexnet.networks.registry import module_of
from flexnet.stopping import PARENT_VARIABLE, parent_name

BASE = Path(workflow.basedir)
ROOT = BASE if (BASE / "config").is_dir() else BASE.parent


def config_parts():
    """What Snakemake laid together: the files, read again because its reader accepts keys given twice."""
    given = list(workflow.overwrite_configfiles)  # by --configfile
    files = [path for path in workflow.configfiles if path not in given] + given
    parts = [
        settings.Part(os.path.relpath(path), settings.read_yaml(path)) for path in files
    ]
    return [*parts, settings.Part("--config", config)]


def load_scales():
    """Read, lay over, check and resolve the configuration of every scale, by home."""
    schema = settings.read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
    parts = config_parts()
    scales = {"": settings.load(config, schema, parts)}
    for name, path in settings.scale_files(ROOT / "config/scales"):
        layer = settings.Part(
            f"config/scales/{path.name}", settings.read_yaml(path) or {}
        )
        merged = settings.lay_over(config, layer.content)
        scales[f"{name}/"] = settings.load(merged, schema, [*parts, layer])
        settings.check_scale(layer.content, layer.name)
    return scales


def load_figures():
    """Read and check the registry of figures."""
    figures = settings.read_yaml(ROOT / "config/figures.yaml")
    schema = settings.read_yaml(ROOT / "workflow/schemas/figures.schema.yaml")
    settings.check(figures, schema, "config/figures.yaml")
    settings.check_figures(figures, SCALES[""], "config/figures.yaml")
    return figures


# From `--config` Snakemake takes True and False as such, but true and false as text.
config.update(
    {key: text == "true" for key, text in config.items() if text in ("true", "false")}
)

try:
    SCALES = load_scales()
    FIGURES = load_figures()
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# What is computed must not depend on the machine, so machine settings travel in the environment.
for key, variable in {
    "device": "FLEXNET_DEVICE",
    "checkpoint_seconds": "FLEXNET_CHECKPOINT_SECONDS",
    "data_mirror": "FLEXNET_DATA_MIRROR",
    "torchvision_root": "FLEXNET_TORCHVISION_ROOT",
}.items():
    if config.get(key) is not None:
        os.environ.update({variable: str(config[key])})
os.environ.update(FLEXNET_DOWNLOAD=str(int(config.get("download", True))))

# A job ends with the Snakemake that started it. A child of Snakemake keeps the name of the first.
if not workflow.subprocess_exec:
    os.environ.update({PARENT_VARIABLE: parent_name(os.getpid())})

# glibc returns large blocks to the system at once and zeroes them again at the next step; keeping them
# makes a training step on the CPU some 5 % faster.
for variable in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
    os.environ.setdefault(variable, str(2**32))

PROTOCOLS = settings.PROTOCOLS
VARIANTS = {"": "paper", "release/": "release", "corrected/": "corrected"}
# Figures that show modules and not results: no protocol changes them, and no claim is judged by them.
SCHEMATICS = {
    name for name, figure in FIGURES.items() if figure["family"] == "schematic"
}
PUBLISHED = [f"published/{path.name}/" for path in sorted(ROOT.glob("published/*/"))]


def any_of(names):
    """Regular expression for one of the names (which may be empty)."""
    return "(" + "|".join(sorted(map(str, names), reverse=True)) + ")"


wildcard_constraints:
    home=any_of([*SCALES, *PUBLISHED]),
    scale=any_of(SCALES),
    variant=any_of(VARIANTS),
    protocol=any_of(PROTOCOLS),
    figure=any_of(FIGURES),
    source=any_of({name for scale in SCALES.values() for name in scale["sources"]}),
    dataset=any_of({name for scale in SCALES.values() for name in scale["datasets"]}),
    model=any_of({name for scale in SCALES.values() for name in scale["models"]}),
    split="(train|test)",
    seed="[1-9][0-9]*",


def scale_of(home):
    """Name of the scale whose files live in a home."""
    return Path(home).name or "paper"


def settings_of(home):
    """Configuration of the scale that a home belongs to."""
    name = scale_of(home)
    return SCALES.get("" if name == "paper" else f"{name}/", SCALES[""])


def row_of(wildcards):
    """The configured model of a job."""
    return settings_of(wildcards.scale)["models"][wildcards.model]


def dataset_of(wildcards):
    """The configured dataset of a job: its name and its row."""
    scale = settings_of(wildcards.scale)
    name = getattr(wildcards, "dataset", None) or row_of(wildcards)["dataset"]
    return name, scale["datasets"][name]


def arrays_of(wildcards, split, suffix="safetensors"):
    """File of a split of a job's dataset."""
    return f"data/{dataset_of(wildcards)[1]['source']}/{split}.{suffix}"


def subset_of(wildcards):
    """File that says which images a job trains on and is scored on."""
    return f"{wildcards.scale}results/subsets/{dataset_of(wildcards)[0]}/seed{wildcards.seed}.json"


def threads_of(wildcards):
    """CPU threads of a job."""
    return settings_of(wildcards.scale)["threads"]


def has_gpu():
    """Whether this machine shows a GPU, found without importing torch."""
    return shutil.which("nvidia-smi") is not None


def gpus_of(wildcards):
    """GPUs of a job: one, unless it runs on the CPU. Cluster profiles set the device to cuda."""
    return int(
        config["device"].startswith("cuda")
        or (config["device"] == "auto" and has_gpu())
    )
