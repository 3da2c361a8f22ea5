"""What staff choose for a widget."""

from django import forms

from apps.agents import widgets
from apps.agents.models import Offer, Widget
from apps.console.forms import AS_WRITTEN, TOO_LONG, SettingsForm
from apps.tenants import pictures

_RADIUS = f"Enter a whole number from 0 to {widgets.LARGEST_RADIUS}."


class WidgetForm(SettingsForm):
    """Its names are those of widgets.SETTINGS, which its page also gives to the widget beside it."""

    color = forms.CharField(
        required=False,
        max_length=7,
        label="Colour",
        widget=forms.TextInput(
            attrs={"data-look": "color", "placeholder": "#2b57c9", "dir": "ltr", "spellcheck": "false"}
        ),
        help_text="As #rrggbb. Where text on it would be hard to read, the widget darkens or lightens it.",
    )
    theme = forms.ChoiceField(
        choices=Widget.Theme.choices, widget=forms.RadioSelect(attrs={"data-look": "theme"}), label="Theme"
    )
    position = forms.ChoiceField(
        choices=Widget.Position.choices,
        widget=forms.RadioSelect(attrs={"data-look": "position"}),
        label="Corner",
    )
    radius = forms.IntegerField(
        label="Rounding of its corners (pixels)",
        widget=forms.TextInput(attrs={"data-look": "radius", "inputmode": "numeric", "autocomplete": "off"}),
        help_text=f"From 0 to {widgets.LARGEST_RADIUS}.",
        error_messages=dict.fromkeys(("required", "invalid"), _RADIUS),
    )
    title = forms.CharField(
        required=False,
        max_length=widgets.LONGEST_TITLE,
        widget=forms.TextInput(attrs=AS_WRITTEN | {"data-look": "title"}),
        help_text="At the top of the chat, in place of the agent’s name.",
        error_messages={"max_length": TOO_LONG},
    )
    avatar = forms.FileField(
        required=False,
        label="Picture",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text="PNG, JPEG or WebP, at most 200 kB. Everybody can see it.",
    )
    no_avatar = forms.BooleanField(required=False, label="No picture: show the agent’s initials")
    launcher = forms.ChoiceField(
        choices=Widget.Launcher.choices,
        widget=forms.RadioSelect(attrs={"data-look": "launcher"}),
        label="The round button",
    )
    offers = forms.MultipleChoiceField(
        required=False,
        choices=Offer.choices,
        widget=forms.CheckboxSelectMultiple,
        label="Visitors may",
    )

    def clean_avatar(self) -> bytes | None:
        upload = self.cleaned_data["avatar"]
        return upload.read(pictures.LARGEST + 1) if upload else None
