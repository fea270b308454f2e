"""`adapter demo`: the main job on one machine. Real processes, real signatures, and a judgement by what arrived."""
