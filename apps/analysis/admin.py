from django.contrib import admin

from apps.analysis.models import SentimentAnalysis
from apps.tenants.admin import ReadOnlyAdmin


@admin.register(SentimentAnalysis)
class SentimentAnalysisAdmin(ReadOnlyAdmin):
    list_display = ("exchange", "sentiment", "score", "cause")
