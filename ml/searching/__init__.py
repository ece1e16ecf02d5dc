"""Searches for better parameters of a task's candidates (`waybill train --search`)."""
