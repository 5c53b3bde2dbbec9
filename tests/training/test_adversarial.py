"""Training batches that are attacked as the network stands."""

import torch
from torch import nn

from flexnet import digest
from flexnet.attacks import Ball, Key, Space, pgd
from flexnet.digest import words_of
from flexnet.options.iterated import PgdOptions
from flexnet.study.jobs import training_code
from flexnet.training.adversarial import PGD7, adversarial_batches, hardened
from flexnet.training.recipe import Recipe

BALL = Ball(0.1, Space.pixel(1))
IMAGES = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(8) % 3


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 3)
    )


def test_batches_are_attacked_as_the_network_stands_when_asked() -> None:
    model = network()
    batches = [(IMAGES[:4], LABELS[:4]), (IMAGES[4:], LABELS[4:])]
    found = []
    for moved, _ in adversarial_batches(model, batches, BALL, key=Key(3, repeat=2)):
        found.append(moved)
        with torch.no_grad():
            model[4].weight.neg_()  # a step of training
    model[4].weight.data.neg_()  # as it stood before the second batch
    expected = pgd(model.eval(), IMAGES[4:], LABELS[4:], BALL, PGD7, key=Key(3, (4, 5, 6, 7), 2)).images
    assert torch.equal(found[1], expected)
    assert ((found[0] - IMAGES[:4]).abs() <= 0.1 + 1e-6).all()
    assert not torch.equal(found[0], IMAGES[:4])


def test_modes_statistics_and_gradients_stay() -> None:
    model = network()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    list(adversarial_batches(model, [(IMAGES, LABELS)], BALL))
    assert [module.training for module in model] == [True, False, True, True, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_seven_steps() -> None:
    assert (PGD7.steps, PGD7.scoring, PGD7.start) == (7, "last", "random")


def test_a_recipe_names_the_attack_its_epoch_and_the_places_of_its_images() -> None:
    model, told = network().eval(), {"kind": "pgd", "epsilon": 0.1, "steps": 3, "step": 0.02}
    batches = [(IMAGES[:4], LABELS[:4]), (IMAGES[4:], LABELS[4:])]
    whole = [moved for moved, _ in hardened(model, batches, told, seed=3, epoch=2)]
    options = PgdOptions(steps=3, step=0.02, scoring="last")
    for moved, place in zip(whole, (0, 4), strict=True):
        key = Key(3, tuple(range(place, place + 4)), 2)
        part = slice(place, place + 4)
        assert torch.equal(moved, pgd(model, IMAGES[part], LABELS[part], BALL, options, key=key).images)
    # Taken up after the first batch.
    ((late, _),) = hardened(model, batches[1:], told, seed=3, epoch=2, first=4)
    assert torch.equal(late, whole[1])
    ((other, _), _) = hardened(model, batches, told, seed=3, epoch=3)
    assert not torch.equal(other, whole[0])


def test_training_without_an_attack_depends_on_none() -> None:
    """Else an attack that is made faster would have every network trained again."""
    plain, attacked = {"epochs": 2}, {"epochs": 2, "adversarial": {"kind": "pgd", "epsilon": 0.1}}
    found = digest._reached([("flexnet.stages.train", "run")], words_of(vars(Recipe(epochs=2))))
    assert not [name for name in found if name.startswith("flexnet.attacks")]
    assert training_code("small", {}, plain) != training_code("small", {}, attacked)
