"""What staff type in."""

from django import forms

AS_WRITTEN = {"dir": "auto"}
TOO_LONG = "Shorten it to %(limit_value)d characters: it has %(show_value)d."


class SettingsForm(forms.Form):
    """What is refused comes back with the cursor where something is to be mended first."""

    def full_clean(self) -> None:
        super().full_clean()
        wrong = [name for name in self.errors if name in self.fields]
        if wrong:
            self.fields[wrong[0]].widget.attrs["autofocus"] = True


class CodeForm(SettingsForm):
    code = forms.CharField(
        max_length=40,
        label="Code",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        error_messages={"required": "Enter the code that your app shows."},
    )
