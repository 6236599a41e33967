"""What the tests of PyTorch share: a seed, and rows with their scales and targets."""

import pytest

torch = pytest.importorskip("torch")

classes = torch.tensor([0, 4, 2])
weights = torch.softmax(torch.arange(15.0).double().reshape(3, 5) % 4, -1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def x():
    return torch.randn(3, 5, dtype=torch.double, requires_grad=True)


@pytest.fixture
def scale():
    return torch.tensor(0.7, dtype=torch.double, requires_grad=True)


@pytest.fixture
def own():
    return (torch.rand(3, 5, dtype=torch.double) + 0.3).requires_grad_()
