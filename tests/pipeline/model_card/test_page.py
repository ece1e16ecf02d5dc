"""The model card shows what the manifests, the declarations and the warehouse say of each task's model."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.report.page import write_report
from tests.pipeline.model_card.manifests import BINARY, OLD, OLDEST, SEVERAL

Write = Callable[..., Path]


def text_of(folder: Path, page: str = "model.html") -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", (folder / page).read_text().replace("<wbr>", "")).split())


def test_a_model_of_two_classes_is_described(write_cards: Write) -> None:
    text = text_of(write_cards(BINARY, unlabelled="not delivered yet"))
    assert "Model card" in text and "Models" not in text
    assert "Predicts for each row of marts.rows the probability that it is returned (column is_returned)." in text
    assert "0.7800 ROC AUC 0.750 to 0.810 0.6000 PR-AUC 0.570 to 0.630" in text
    assert "10,500 in the table 500 without a label: not delivered yet 6,000 train" in text
    assert "Left out: feature empty: no value in the training rows" in text
    assert "returned 25.0 % 1,500 300 520" in text
    assert "Categories (1): shop. Numbers (2): price, quantity." in text
    assert "what was bought price, quantity +0.1000 +0.0800 to +0.1200" in text
    assert "b-1 orders: orders.ndjson 8,000 " + "c" * 32 in text


def test_candidates_are_compared_with_intervals(write_cards: Write) -> None:
    text = text_of(write_cards(BINARY))
    validation, _, test = text.partition("On test, measured once")
    assert "95 % intervals, by resampling 31 whole days" in validation
    assert "hist_gradient_boosting selected, fitted in 1.5 s 0.7800 0.750 to 0.810" in validation
    assert "random_forest fitted in 1.5 s on 3,000 rows" in validation
    assert "logistic_regression fitted in 1.5 s did not converge" in validation
    assert "hist_gradient_boosting minus each other, on the same rows." in validation
    assert "random_forest +0.0100 −0.0100 to +0.0300" in validation
    assert "by resampling 12 whole days" in test
    assert "the model fitted again on train and validation 0.7800" in test


def test_the_threshold_says_what_it_costs(write_cards: Write) -> None:
    folder = write_cards(BINARY)
    text = text_of(folder)
    assert "A row counts as returned from a probability of 0.25, the threshold that costs least on validation" in text
    assert "if a false positive costs 1 and a false negative 3: 0.41 a row, instead of 0.53 at 0.5." in text
    assert "precision is 0.7000 0.660 to 0.740 and recall 0.4000" in text
    page = (folder / "model.html").read_text()
    for title in ("ROC", "Precision and recall", "Calibration", "Cost on validation"):
        assert f'aria-label="{title}. ' in page
    assert page.count('class="whisker" x1="20.0"') == 1, "the calibration's points have intervals"


def test_weak_spots_are_named_with_the_reason(write_cards: Write) -> None:
    folder = write_cards(BINARY)
    text = text_of(folder)
    assert "1 weak spot" in text
    assert "shop &lt;NE&gt; (300 rows): ROC AUC 0.60 is clearly below 0.78" in text
    assert "SW fewer than 100 rows 3 0.0 % – 0.1000 −0.1000" in text, "a part with one class has no ROC AUC"
    assert "<NE>" not in (folder / "model.html").read_text()


def test_a_model_of_several_classes_is_described(write_cards: Write) -> None:
    text = text_of(write_cards(SEVERAL))
    assert "which of 3 classes it has (column channel)" in text
    assert "class share train validation test precision recall ROC AUC phone 33.0 % 60 20 20 0.5 0.25 0.75" in text
    assert "Left out: class fax: 1 row in train" in text
    assert "Several classes have no common threshold" in text
    assert "It is not clearly better than guessing" in text


def test_manifests_of_older_versions_have_a_card(write_cards: Write) -> None:
    text = text_of(write_cards(OLD, OLDEST))
    assert "Model cards" in text and "closings oldest" in text
    assert "random_forest selected 0.7000 0.4000 – –" in text
    assert text.count("The figures have no intervals: an older version trained this model.") == 2
    assert "train --task closings --force" in text and "train --task oldest --force" in text


def test_the_declaration_adds_its_own_words(write_cards: Write) -> None:
    folder = write_cards(BINARY, description="For <shops> only.", limits=["Not for gifts.", "Not in December."])
    text = text_of(folder)
    assert "For &lt;shops&gt; only." in text
    assert "From the declaration: Not for gifts. Not in December. From what was measured: 500 of 10,500 rows" in text


def test_the_report_links_the_card_while_there_is_a_model(
    write_cards: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_cards()
    write_report()
    assert not (folder / "model.html").exists()
    assert "model.html" not in (folder / "index.html").read_text()
    write_cards(BINARY)
    write_report()
    assert 'href="model.html"' in (folder / "index.html").read_text()
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "none"))
    write_report()
    assert not (folder / "model.html").exists(), "the page of a model that is gone is removed"
    assert "model.html" not in (folder / "index.html").read_text()


def test_the_card_fetches_nothing_and_names_no_other_page(write_cards: Write) -> None:
    page = (write_cards(BINARY, SEVERAL, OLD) / "model.html").read_text()
    assert not re.search(r"https?://|<script|src=", page)
    assert "default-src 'none'" in page
    assert set(re.findall(r'href="([^#"]*)', page)) == {"", "index.html"}
