"""`train`: another model in a prepared state."""

from typing import Annotated

import typer

from mcp_server.cli.hyper_parameters import RecboleConfig, SettingPairs, read_hyper_parameters
from mcp_server.cli.options import Data, Dataset, EnvFile, Sources, State, make_settings
from mcp_server.cli.prepare import prepare_and_report
from mcp_server.dataset.spec import ModelSpec
from mcp_server.errors import InvalidInputError


def train(
    model: Annotated[
        str | None,
        typer.Option(help="auto, CEASE, CKNN, ALS, or any general recommender of RecBole: EASE, BPR, LightGCN, ..."),
    ] = None,
    setting: SettingPairs = None,
    config: RecboleConfig = None,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Train another model and serve it from now on; without --model, train the dataset's own.

    auto chooses by the size of the catalogue and the memory that is free. The final model is trained on all
    interactions. What you do not set is chosen on a validation split: all settings of CEASE (and, up to two million
    interactions, of CKNN and ALS), the regularisation of EASE, the number of epochs of other models.

    Example: recsys-mcp train --model BPR --set embedding_size=128 --set learning_rate=0.002
    """
    settings = make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file)
    if model is None and (setting or config):
        raise InvalidInputError("--set and --config belong to a model: name it with --model")
    chosen = None if model is None else ModelSpec(name=model, settings=read_hyper_parameters(setting or [], config))
    from mcp_server.preparation.prepare import Wish  # with RecBole's side of training

    prepare_and_report(settings, Wish(chosen, keep=False, retrain="always"))
