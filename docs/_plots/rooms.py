"""The packages within nengo_layers_plus, and which of them import from which."""

import grimp
import matplotlib.pyplot as plt
import networkx as nx

PACKAGE = "nengo_layers_plus"
imports = grimp.build_graph(PACKAGE)
for room in imports.find_children(PACKAGE):
    imports.squash_module(room)

rooms = nx.DiGraph()
for room in imports.find_children(PACKAGE):
    for imported in imports.find_modules_directly_imported_by(room):
        if imported not in (PACKAGE, room):
            rooms.add_edge(room.rpartition(".")[2], imported.rpartition(".")[2])
rooms.remove_nodes_from(["__main__", "_version"])
for height, level in enumerate(nx.topological_generations(rooms.reverse())):
    for room in level:
        rooms.nodes[room]["height"] = height

# an import that another one implies is not drawn
shown = nx.transitive_reduction(rooms)
shown.add_nodes_from(rooms.nodes(data=True))
figure, axes = plt.subplots(figsize=(8, 6.5), layout="constrained")
nx.draw_networkx(
    shown,
    nx.multipartite_layout(shown, subset_key="height", align="horizontal"),
    ax=axes,
    node_size=0,
    font_size=10,
    edge_color="0.6",
    min_source_margin=14,
    min_target_margin=14,
    bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "tab:blue"},
)
axes.axis("off")
