"""What is typed in about budgets."""

from typing import Any

from django import forms

from apps.agents.models import Agent, Budget
from apps.console.forms import SettingsForm

MOST_TOKENS = 10**15
_WHOLE = "Enter a whole number of tokens, without spaces, or leave it empty."
_AMOUNT = "Enter an amount such as 25.50, or leave it empty."


class BudgetForm(SettingsForm):
    agent: "forms.ModelChoiceField[Agent]" = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="All agents together"
    )
    period = forms.ChoiceField(
        label="Each", widget=forms.RadioSelect, choices=Budget.Period.choices, initial=Budget.Period.MONTH
    )
    tokens = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_TOKENS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text="What goes in and what comes out, as the agent’s provider counts it.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _WHOLE),
    )
    cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=6,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="By the prices that this installation is set to. Without prices it limits nothing.",
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_digits", "max_decimal_places", "max_whole_digits"), _AMOUNT
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        is_read = not {"tokens", "cost"} & set(self.errors)
        if is_read and cleaned.get("tokens") is None and cleaned.get("cost") is None:
            self.add_error("tokens", "Say how many tokens, or what it may cost.")
        return cleaned
