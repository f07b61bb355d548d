"""A stranger's dataset.yaml: preparing it runs no code of theirs, reads nothing outside its own folders, and ends in
one line where it cannot be used.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_server.dataset.spec import load_spec
from mcp_server.errors import DatasetError
from mcp_server.files.yaml_text import MOST_NODES, YamlTextError, read_yaml
from mcp_server.reading.files import DatasetFiles
from mcp_server.recommender.training.hyper_parameters import HyperParameterError, check_settings
from tests.commands import run
from tests.conftest import SHOP, skip_without_recbole
from tests.reading.records import read_dataset
from tests.running_servers import own_environment

SECRET = "root:x:0:0"


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    """A copy of the corner shop, to be spoiled."""
    return Path(shutil.copytree(SHOP, tmp_path / "shop"))


def change(folder: Path, old: str, new: str, file: str = "dataset.yaml") -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def add(folder: Path, text: str) -> None:
    with (folder / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"\n{text}\n")


def refusal(folder: Path) -> str:
    """Why the dataset cannot be read, in one short line."""
    with pytest.raises(DatasetError) as refused:
        read_dataset(DatasetFiles.find(folder / "dataset.yaml", None))
    text = str(refused.value)
    assert "\n" not in text
    assert len(text) < 1_500
    assert SECRET not in text
    return text


# Hyper-parameters: RecBole evaluates strings, reads and unpickles files, and writes where it is told to


def payload(marker: Path) -> str:
    return f"[__import__('pathlib').Path({str(marker)!r}).touch(), 50.0][1]"


CONFIGURING = """
import json, sys
request = json.loads(sys.argv[1])
sys.argv = ["recbole"]
from pathlib import Path
from mcp_server.recommender.training.recbole.compat import Config, general_recommenders, own_hyper_parameters
from mcp_server.recommender.training.recbole.export import UnsuitableError
from mcp_server.recommender.training.recbole.process import Session, TrainJob

job = TrainJob(model="", n_users=0, n_items=0, dataset="any", fingerprint="", output="")
session, answers = Session(job, Path.cwd(), lambda event: None), []
for model, settings in request["attempts"]:
    try:
        config = session.configure(model, settings)
        answers.append({name: config[name] for name in settings})
    except UnsuitableError as error:
        answers.append(str(error))
plain = {"data_path": str(Path.cwd()), "reg_weight": request["payload"]}
unchecked = Config(model="EASE", dataset="interactions", config_dict=plain)
own = {}
for model in general_recommenders():
    config = Config(model=model, dataset="interactions", config_dict={"data_path": str(Path.cwd())})
    own[model] = own_hyper_parameters(config)
Path("answers.json").write_text(json.dumps({"answers": answers, "unchecked": unchecked["reg_weight"], "own": own}))
"""


def configure(folder: Path, attempts: list[tuple[str, dict[str, Any]]], code: str) -> dict[str, Any]:
    """RecBole's configuration, or the reason why there is none, from a process like the one that trains."""
    skip_without_recbole()
    request = json.dumps({"attempts": attempts, "payload": code})
    command = [sys.executable, "-P", "-c", CONFIGURING, request]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return answers


def test_no_setting_is_evaluated_and_none_leads_to_files(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    code = payload(marker)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("EASE", {"reg_weight": code}),
        ("EASE", {code: 1}),
        ("MultiVAE", {"mlp_hidden_size": [code]}),
        ("CDAE", {"loss_type": code}),
        ("BPR", {"epochs": code}),
        ("BPR", {"learner": code}),
        ("BPR", {"train_neg_sample_args": {"distribution": code}}),
        ("BPR", {"checkpoint_dir": str(tmp_path / "elsewhere")}),
        ("BPR", {"data_path": "/etc"}),
        ("BPR", {"dataset_save_path": str(tmp_path / "elsewhere")}),
        ("BPR", {"gpu_id": "0; touch x"}),
        ("BPR", {"log_wandb": True}),
        ("NeuMF", {"mf_pretrain_path": "/tmp/model.pth"}),
        ("NeuMF", {"use_pretrain": True}),
        ("NAIS", {"pretrain_path": "/tmp/model.pth"}),
        ("RaCT", {"train_stage": "finetune"}),
        ("../../x", {}),
        (code, {}),
    ]
    taken: list[tuple[str, dict[str, Any]]] = [
        ("EASE", {"reg_weight": "1e2"}),
        ("BPR", {"embedding_size": 8, "learning_rate": "1e-3", "train_neg_sample_args": {"sample_num": "2"}}),
        ("MultiVAE", {"mlp_hidden_size": [600, 300], "anneal_cap": 0}),
    ]
    found = configure(tmp_path, [*refused, *taken], code)
    reasons, settings = found["answers"][: len(refused)], found["answers"][len(refused) :]
    assert [type(reason) for reason in reasons] == [str] * len(refused)
    assert max(map(len, reasons)) < 1_500
    sampling = {"distribution": "uniform", "sample_num": 2, "alpha": 1.0, "dynamic": False, "candidate_num": 0}
    assert settings == [
        {"reg_weight": 100.0},
        {"embedding_size": 8, "learning_rate": 0.001, "train_neg_sample_args": sampling},
        {"mlp_hidden_size": [600, 300], "anneal_cap": 0.0},
    ]
    assert found["unchecked"] == code
    assert not marker.exists()
    assert not (tmp_path / "elsewhere").exists()
    # Whatever RecBole's models have can be set to its default, but for what leads to files.
    for model, own in found["own"].items():
        usable = {name: value for name, value in own.items() if not name.endswith("_path") and name not in FILES}
        assert check_settings(model, usable, own) == usable


FILES = {"use_pretrain", "train_method", "train_stage"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "reg_weight is a number, such as 250.0; True is not"),
        ("many", "'many' is not"),
        (float("nan"), "nan is not"),
        (float("inf"), "inf is not"),
        ([1.0], "[1.0] is not"),
        ({"a": 1}, "is not"),
        ("9" * 5_000, "is not"),
        (None, "None is not"),
    ],
)
def test_a_hyper_parameter_is_of_its_type(value: object, said: str) -> None:
    with pytest.raises(HyperParameterError) as refused:
        check_settings("EASE", {"reg_weight": value}, {"reg_weight": 250.0})
    assert said in str(refused.value)
    assert len(str(refused.value)) < 300


def test_preparing_a_dataset_with_code_in_its_settings_ends_in_one_line(shop_folder: Path, tmp_path: Path) -> None:
    skip_without_recbole()
    marker = tmp_path / "marker"
    add(shop_folder, f"model: {{name: EASE, settings: {{reg_weight: {json.dumps(payload(marker))}}}}}")
    words = ["prepare", "--dataset", shop_folder, "--state", tmp_path / "state"]
    ended = run(words, tmp_path, own_environment({}))
    assert (ended.code, ended.out) == (2, "")
    assert "reg_weight is a number, such as 250.0" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert not marker.exists()


# Where files come from


@pytest.mark.parametrize(
    "folder",
    [
        *("/etc", "~", "~root", "..", "a/../../b", "C:\\data", "\\\\host\\share", "", "a\0b", "a\nb", "x" * 600),
        *("package:../x", "package:a.b/x", "package:", "package:numpy/../recbole", "package:numpy//etc", "package:a b"),
    ],
)
def test_a_folder_outside_is_refused(shop_folder: Path, folder: str) -> None:
    add(shop_folder, f"folders: [{json.dumps(folder)}]")
    assert "folders.0" in refusal(shop_folder)


@pytest.mark.parametrize("file", ["/etc/passwd", "../../../../etc/passwd", "~/.ssh/id_rsa", "a\0b", "C:passwd"])
def test_a_file_outside_is_refused(shop_folder: Path, file: str) -> None:
    change(shop_folder, "file: products.csv", f"file: {json.dumps(file)}")
    assert "items.sources" in refusal(shop_folder)


def test_looking_for_a_package_imports_nothing(shop_folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    marker = tmp_path / "marker"
    package = tmp_path / "site" / "strange_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(marker)!r}, 'w')\n")
    shutil.move(shop_folder / "products.csv", package / "products.csv")
    monkeypatch.syspath_prepend(tmp_path / "site")
    add(shop_folder, 'folders: ["package:strange_package"]')
    assert len(read_dataset(DatasetFiles.find(shop_folder / "dataset.yaml", None)).items) > 5
    assert not marker.exists()
    assert "strange_package" not in sys.modules


def test_a_module_is_no_package_with_data(shop_folder: Path) -> None:
    """A single file lies among all others that are installed."""
    change(shop_folder, "file: products.csv", "file: os.py")
    add(shop_folder, 'folders: ["package:this"]')
    assert "os.py of dataset corner-shop is in none of" in refusal(shop_folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("through", ["file", "folder"])
def test_a_link_that_leads_outside_is_refused_unless_its_folder_is_named(
    shop_folder: Path, tmp_path: Path, through: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.move(shop_folder / "products.csv", outside / "products.csv")
    if through == "file":
        (shop_folder / "products.csv").symlink_to(outside / "products.csv")
    else:
        (shop_folder / "data").symlink_to(outside)
        add(shop_folder, "folders: [data]")
    said = refusal(shop_folder)
    assert str(outside / "products.csv") in said
    assert "--data FOLDER" in said
    assert len(read_dataset(DatasetFiles.find(shop_folder / "dataset.yaml", outside)).items) > 5


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_within_the_folder_is_followed(shop_folder: Path) -> None:
    (shop_folder / "products.csv").rename(shop_folder / "products-2024.csv")
    (shop_folder / "products.csv").symlink_to("products-2024.csv")
    assert len(read_dataset(DatasetFiles.find(shop_folder / "dataset.yaml", None)).items) > 5


# Texts beyond the limits

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nests deeper"),
        ("- " * 300 + "a", "nests deeper"),
        (BOMB, f"more than {MOST_NODES:,} values"),
        ("a: &a [*a]", "refers to itself"),
        ("a: &a {b: &b [*a]}", "refers to itself"),
        ("x" * 300_000, "longer than"),
        ("a: 0x" + "f" * 40, "more than 64 bits"),
        ("a: " + "1" * 5_000, "a value cannot be read"),
        ("a: 2024-99-99", "a value cannot be read"),
        ("!!timestamp x", "a value cannot be read"),
        ("!!bool x", "a value cannot be read"),
        ("x: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("? [a]\n: b", "unhashable key"),
        ("a\0b", "special characters are not allowed"),
        ("<<: 5", "expected a mapping"),
    ],
)
def test_a_yaml_text_beyond_the_limits_is_refused(text: str, said: str) -> None:
    with pytest.raises(YamlTextError, match=said) as refused:
        read_yaml(text)
    assert "\n" not in str(refused.value)


def test_anchors_are_followed_within_the_limits() -> None:
    assert read_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]") == {
        "a": {"x": 1},
        "b": {"x": 1, "y": 2},
        "c": [{"x": 1}, {"x": 1}],
    }


def test_a_file_with_many_problems_tells_some_of_them(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text("\n".join(f"{'k' * 100}{n}: 1" for n in range(1_000)))
    with pytest.raises(DatasetError, match="more problems") as refused:
        load_spec(tmp_path / "dataset.yaml")
    assert len(str(refused.value)) < 4_000


def spoil_price(value: str) -> Callable[[Path], None]:
    return lambda folder: change(folder, "24.5,12", value, "products.csv")


def recode(encoding: str) -> Callable[[Path], None]:
    return lambda folder: change(
        folder, "products.csv, format: delimited", f"products.csv, format: delimited{encoding}"
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_price("24.5,1e300"), "is not a whole number of at most 64 bits"),
        (spoil_price(f"24.5,{10**20}"), "is not a whole number of at most 64 bits"),
        (spoil_price(f"{'9' * 5_000},12"), "is not a number"),
        (spoil_price(f"{'x' * 5_000},12"), "is not a number"),
        (lambda folder: change(folder, "KIT-02", "K" * 5_000, "products.csv"), "is not an ID of 1 to 255 characters"),
        (lambda folder: change(folder, "Steel saucepan", "S" * 5_000_000, "products.csv"), "is longer than"),
        (recode(", encoding: hex"), "'hex' is not an encoding of text"),
        (recode(", encoding: rot13"), "'rot13' is not an encoding of text"),
        (recode(", encoding: utf-16"), "is not utf-16"),
        (recode(", encoding: undefined"), "is not undefined"),
        (recode(", encoding: punycode"), "is not punycode"),
        (recode(', encoding: "utf-8\\0"'), "there is no encoding"),
        (recode(', encoding: "nothing of the kind"'), "there is no encoding"),
        (lambda folder: change(folder, "file: products.csv", f"file: {'a' * 400}"), "File name too long"),
    ],
)
def test_values_and_encodings_that_no_backend_can_hold(
    shop_folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(shop_folder)
    assert said in refusal(shop_folder)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[" * 100_000, "is not a JSON object"),
        ('{"sku": ' * 100_000, "is not a JSON object"),
        ('{"sku": "' + "x" * 5_000_000 + '"}', "products.jsonl"),
        ('{"sku": ' + "9" * 5_000 + "}", "no column 'name'"),
    ],
)
def test_json_lines_beyond_the_limits(shop_folder: Path, line: str, said: str) -> None:
    (shop_folder / "products.jsonl").write_text(line)
    change(shop_folder, "products.csv, format: delimited", "products.jsonl, format: jsonl")
    assert said in refusal(shop_folder)
